package penstock

import (
	"fmt"
	"strings"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Kind is the outermost constructor of a type.
type Kind string

// The kinds, and the Go value of each. NULL is nil everywhere.
const (
	KindBoolean   Kind = "BOOLEAN"   // bool
	KindInt       Kind = "INT"       // int32
	KindBigint    Kind = "BIGINT"    // int64
	KindDouble    Kind = "DOUBLE"    // float64
	KindDecimal   Kind = "DECIMAL"   // string: plain digits, exactly the scale's behind the point
	KindString    Kind = "STRING"    // string
	KindBytes     Kind = "BYTES"     // []byte
	KindDate      Kind = "DATE"      // Date
	KindTime      Kind = "TIME"      // TimeOfDay
	KindTimestamp Kind = "TIMESTAMP" // time.Time in UTC, whole milliseconds
	KindArray     Kind = "ARRAY"     // []any
	KindMap       Kind = "MAP"       // map[string]any for STRING keys, else map[any]any, or []Entry for keys that Go cannot compare
	KindStruct    Kind = "STRUCT"    // map[string]any with every field
)

// Type is one SQL type.
type Type struct {
	Kind Kind
	// Precision and Scale are a DECIMAL's digits, and those of them behind the point.
	Precision, Scale int
	// Key is a MAP's key type.
	Key *Type
	// Element is an ARRAY's element type and a MAP's value type.
	Element *Type
	// Fields are a STRUCT's.
	Fields []Field
}

// Field is one field of a STRUCT.
type Field struct {
	Name string
	Type *Type
}

// String is the type as SQL text.
func (t *Type) String() string {
	switch t.Kind {
	case KindDecimal:
		return fmt.Sprintf("DECIMAL(%d, %d)", t.Precision, t.Scale)
	case KindArray:
		return fmt.Sprintf("ARRAY<%s>", t.Element)
	case KindMap:
		return fmt.Sprintf("MAP<%s, %s>", t.Key, t.Element)
	case KindStruct:
		fields := make([]string, len(t.Fields))
		for i, field := range t.Fields {
			fields[i] = quote(field.Name) + " " + field.Type.String()
		}
		return "STRUCT<" + strings.Join(fields, ", ") + ">"
	}
	return string(t.Kind)
}

// quote is a name as SQL text: bare where it survives folding to upper case, else in backquotes.
func quote(name string) string {
	for i, char := range name {
		if !(char == '_' || char >= 'A' && char <= 'Z' || i > 0 && char >= '0' && char <= '9') {
			return "`" + strings.ReplaceAll(name, "`", "``") + "`"
		}
	}
	return name
}

// Role says where a column lives in a record.
type Role string

// The roles of columns.
const (
	RoleKey    Role = "KEY"
	RoleValue  Role = "VALUE"
	RoleHeader Role = "HEADER"
	RoleWindow Role = "WINDOW" // WINDOWSTART and WINDOWEND
	RoleMeta   Role = "META"   // ROWTIME, ROWPARTITION and ROWOFFSET
)

// Column is one column of a relation or of rows.
type Column struct {
	Name string
	Type *Type
	Role Role
}

func typeOf(message *pb.Type) (*Type, error) {
	name, known := pb.TypeKind_name[int32(message.GetKind())]
	if !known || message.GetKind() == pb.TypeKind_TYPE_KIND_UNSPECIFIED {
		return nil, fmt.Errorf("penstock: this client does not know the type %q; a newer one may", message.GetSql())
	}
	out := &Type{
		Kind: Kind(strings.TrimPrefix(name, "TYPE_KIND_")), Precision: int(message.GetPrecision()), Scale: int(message.GetScale()),
	}
	var err error
	if out.Kind == KindMap {
		if out.Key, err = typeOf(message.GetKey()); err != nil {
			return nil, err
		}
	}
	if out.Kind == KindArray || out.Kind == KindMap {
		if out.Element, err = typeOf(message.GetElement()); err != nil {
			return nil, err
		}
	}
	for _, field := range message.GetFields() {
		of, err := typeOf(field.GetType())
		if err != nil {
			return nil, err
		}
		out.Fields = append(out.Fields, Field{field.GetName(), of})
	}
	return out, nil
}

func columnsOf(schema *pb.Schema) ([]Column, error) {
	columns := make([]Column, len(schema.GetColumns()))
	for i, column := range schema.GetColumns() {
		of, err := typeOf(column.GetType())
		if err != nil {
			return nil, err
		}
		role := Role(strings.TrimPrefix(column.GetRole().String(), "COLUMN_ROLE_"))
		if column.GetRole() == pb.ColumnRole_COLUMN_ROLE_UNSPECIFIED {
			role = RoleValue
		}
		columns[i] = Column{column.GetName(), of, role}
	}
	return columns, nil
}

// resolve is the place of the name that is meant: exactly it, else in upper case, else the only one that differs by case alone; -1 for none.
func resolve(count int, name func(int) string, wanted string) int {
	for i := range count {
		if name(i) == wanted { // as nearly always
			return i
		}
	}
	upper := strings.ToUpper(wanted)
	found, alike, alikes := -1, -1, 0
	for i := range count {
		switch candidate := name(i); {
		case candidate == upper:
			found = i
		case strings.EqualFold(candidate, wanted):
			alike = i
			alikes++
		}
	}
	if found < 0 && alikes == 1 {
		return alike
	}
	return found
}
