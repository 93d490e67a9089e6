package penstock

import (
	"fmt"
	"reflect"
	"slices"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// sentColumns are rows that were sent by column.
type sentColumns struct {
	columns map[string]any // slices, by the columns' own names
	causes  []int          // nil: each of the bundle's rows
	count   int
}

// cause is what caused a row.
func (s *sentColumns) cause(row int) int {
	if s.causes == nil {
		return row
	}
	return s.causes[row]
}

// SendColumns gives rows to an output by column, which is much faster than Send for each. columns are slices, such as []int64, or []any where some
// are nil, with a value for each row. causes are as Send's, of each row; nil means a row for each of the bundle's rows, in order. Key columns that
// are not given are those of the causes.
func (b *Bundle) SendColumns(output string, columns map[string]any, causes []int) {
	schema := b.Node.Outputs[output]
	if schema == nil {
		b.mistake("%s has no output %s", b.Node.Node, output)
		return
	}
	block := &sentColumns{b.named(schema, "output "+output, columns), causes, len(causes)}
	if causes == nil {
		block.count = b.Rows.Len()
	}
	for _, cause := range causes {
		if !b.causes(cause) {
			return
		}
	}
	for name, values := range block.columns {
		if v := reflect.ValueOf(values); v.Kind() != reflect.Slice || v.Len() != block.count {
			b.mistake("output %s, column %s: %T is no slice of %d values, one for each row", output, name, values, block.count)
			return
		}
	}
	b.spread(output)
	b.blocks[output] = block
	if len(b.sent[output]) > 0 || !slices.IsSorted(causes) {
		b.spread(output)
	}
}

// causes says whether a cause is a row or a timer of the bundle.
func (b *Bundle) causes(cause int) bool {
	if cause < -len(b.Timers) || cause >= b.Rows.Len() {
		b.mistake("cause %d is no row or timer of the bundle, which has %d and %d", cause, b.Rows.Len(), len(b.Timers))
		return false
	}
	return true
}

// spread makes single rows of what was sent by column, so that both have one order.
func (b *Bundle) spread(output string) {
	block := b.blocks[output]
	if block == nil {
		return
	}
	delete(b.blocks, output)
	for row := range block.count {
		values := make(map[string]any, len(block.columns))
		for name, column := range block.columns {
			values[name] = reflect.ValueOf(column).Index(row).Interface()
		}
		b.sent[output] = append(b.sent[output], sentRow{block.cause(row), values, SendOptions{}})
	}
}

// rowsOf is what was sent to an output by column, as the answer has it.
func (b *Bundle) rowsOf(output string, block *sentColumns) (*pb.OutputRows, error) {
	schema := b.Node.Outputs[output]
	batch := &pb.RowBatch{SchemaId: schema.ID, RowCount: uint32(block.count), Columns: make([]*pb.ColumnData, len(schema.Columns))}
	for place, column := range schema.Columns {
		values, given := block.columns[column.Name]
		if !given {
			values = b.inherited(column, block)
		}
		data, err := encodeSlice(column.Type, values)
		if err != nil {
			return nil, fmt.Errorf("output %s, column %s (%s): %w", output, column.Name, column.Type, err)
		}
		batch.Columns[place] = data
	}
	causes := make([]uint32, block.count)
	for row := range causes {
		causes[row] = uint32(block.cause(row) + len(b.Timers))
	}
	return &pb.OutputRows{Output: output, Rows: batch, Causes: causes}, nil
}

// inherited is a column that was not given: that of the causes' key, or nil for NULLs.
func (b *Bundle) inherited(column Column, block *sentColumns) any {
	own := slices.Index(b.keyNames(), column.Name)
	if column.Role != RoleKey || own < 0 {
		return nil
	}
	if block.causes == nil {
		switch vector := b.Rows.columns[b.Node.keys[own]].(type) {
		case *scalarVector[string]:
			if len(vector.valid) == 0 && vector.convert == nil {
				return vector.values
			}
		case *scalarVector[int64]:
			if len(vector.valid) == 0 && vector.convert == nil {
				return vector.values
			}
		}
	}
	values := make([]any, block.count)
	for row := range values {
		values[row] = b.Key(block.cause(row))[own]
	}
	return values
}

// encodeSlice is the column of a slice's values; nil is a column of NULLs.
func encodeSlice(of *Type, values any) (*pb.ColumnData, error) {
	switch given := values.(type) {
	case nil:
		return &pb.ColumnData{}, nil
	case []any:
		return encodeColumn(of, plainCells(given))
	case []string:
		if of.Kind == KindString {
			return &pb.ColumnData{Data: &pb.ColumnData_Strings{Strings: &pb.StringArray{Values: given}}}, nil
		}
	case []int64:
		if of.Kind == KindBigint {
			return &pb.ColumnData{Data: &pb.ColumnData_Longs{Longs: &pb.LongArray{Values: given}}}, nil
		}
	case []int:
		if of.Kind == KindBigint {
			wide := make([]int64, len(given))
			for i, value := range given {
				wide[i] = int64(value)
			}
			return &pb.ColumnData{Data: &pb.ColumnData_Longs{Longs: &pb.LongArray{Values: wide}}}, nil
		}
	case []int32:
		if of.Kind == KindInt {
			return &pb.ColumnData{Data: &pb.ColumnData_Ints{Ints: &pb.IntArray{Values: given}}}, nil
		}
	case []float64:
		if of.Kind == KindDouble {
			return &pb.ColumnData{Data: &pb.ColumnData_Doubles{Doubles: &pb.DoubleArray{Values: given}}}, nil
		}
	case []bool:
		if of.Kind == KindBoolean {
			return &pb.ColumnData{Data: &pb.ColumnData_Booleans{Booleans: &pb.BoolArray{Values: given}}}, nil
		}
	}
	slice := reflect.ValueOf(values)
	cells := make([]any, slice.Len())
	for i := range cells {
		cells[i] = slice.Index(i).Interface()
	}
	return encodeColumn(of, plainCells(cells))
}

// plainCells are values without the application's own types.
func plainCells(values []any) []any {
	out := make([]any, len(values))
	for i, value := range values {
		switch value.(type) {
		case nil, string, int64, int, float64, bool:
			out[i] = value
		default:
			out[i] = plain(reflect.ValueOf(value))
		}
	}
	return out
}
