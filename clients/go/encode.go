package penstock

import (
	"fmt"
	"math"
	"reflect"
	"sort"
	"strings"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// encodeColumn is the column of values of a type; nil is NULL. An error says which value does not fit, by its place.
func encodeColumn(of *Type, values []any) (*pb.ColumnData, error) {
	out := &pb.ColumnData{Validity: packValidity(values)}
	var err error
	switch of.Kind {
	case KindBoolean:
		array := &pb.BoolArray{}
		array.Values, err = cells(values, toBool)
		out.Data = &pb.ColumnData_Booleans{Booleans: array}
	case KindInt, KindDate, KindTime:
		array := &pb.IntArray{}
		array.Values, err = cells(values, map[Kind]func(any) (int32, error){KindInt: toInt32, KindDate: toDays, KindTime: toTimeMillis}[of.Kind])
		out.Data = &pb.ColumnData_Ints{Ints: array}
	case KindBigint, KindTimestamp:
		array := &pb.LongArray{}
		array.Values, err = cells(values, map[Kind]func(any) (int64, error){KindBigint: toInt64, KindTimestamp: toMillis}[of.Kind])
		out.Data = &pb.ColumnData_Longs{Longs: array}
	case KindDouble:
		array := &pb.DoubleArray{}
		array.Values, err = cells(values, toFloat64)
		out.Data = &pb.ColumnData_Doubles{Doubles: array}
	case KindString:
		array := &pb.StringArray{}
		array.Values, err = cells(values, toText)
		out.Data = &pb.ColumnData_Strings{Strings: array}
	case KindDecimal:
		array := &pb.StringArray{}
		array.Values, err = cells(values, func(v any) (string, error) { return toDecimal(v, of.Scale) })
		out.Data = &pb.ColumnData_Strings{Strings: array}
	case KindBytes:
		array := &pb.BytesArray{}
		array.Values, err = cells(values, toBytes)
		out.Data = &pb.ColumnData_Binaries{Binaries: array}
	case KindArray:
		err = encodeLists(of, values, out)
	case KindMap:
		err = encodeMaps(of, values, out)
	case KindStruct:
		err = encodeStructs(of, values, out)
	default:
		err = fmt.Errorf("no encoder for %s", of)
	}
	return out, err
}

// cellError is a value that does not fit, with its place among the values.
type cellError struct {
	place int
	err   error
}

func (e *cellError) Error() string { return e.err.Error() }
func (e *cellError) Unwrap() error { return e.err }

func packValidity(values []any) []byte {
	var bits []byte
	for i, value := range values {
		if value == nil && bits == nil {
			bits = make([]byte, (len(values)+7)/8)
			for before := range i {
				bits[before/8] |= 1 << (before % 8)
			}
		} else if value != nil && bits != nil {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return bits
}

// cells converts every value; a NULL is the zero value.
func cells[T any](values []any, convert func(any) (T, error)) ([]T, error) {
	out := make([]T, len(values))
	for i, value := range values {
		if value == nil {
			continue
		}
		var err error
		if out[i], err = convert(value); err != nil {
			return nil, &cellError{i, err}
		}
	}
	return out, nil
}

func unfit(value any, wanted string) error { return fmt.Errorf("%T is no %s", value, wanted) }

func toBool(value any) (bool, error) {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Bool {
		return v.Bool(), nil
	}
	return false, unfit(value, "bool")
}

func toInt64(value any) (int64, error) {
	switch v := value.(type) { // without reflection what is nearly always given
	case int64:
		return v, nil
	case int:
		return int64(v), nil
	}
	switch v := reflect.ValueOf(value); {
	case v.CanInt():
		return v.Int(), nil
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return int64(v.Uint()), nil
	case v.CanUint():
		return 0, fmt.Errorf("%d does not fit BIGINT", v.Uint())
	}
	return 0, unfit(value, "integer")
}

func toInt32(value any) (int32, error) {
	wide, err := toInt64(value)
	if err == nil && (wide < math.MinInt32 || wide > math.MaxInt32) {
		return 0, fmt.Errorf("%d does not fit 32 bits", wide)
	}
	return int32(wide), err
}

func toDays(value any) (int32, error) {
	if date, ok := value.(Date); ok {
		return date.days()
	}
	return 0, unfit(value, "Date")
}

func toTimeMillis(value any) (int32, error) {
	if clock, ok := value.(TimeOfDay); ok {
		return clock.millis()
	}
	return 0, unfit(value, "TimeOfDay")
}

func toMillis(value any) (int64, error) {
	if instant, ok := value.(time.Time); ok {
		return millis(instant)
	}
	return 0, unfit(value, "time.Time")
}

func toFloat64(value any) (float64, error) {
	v := reflect.ValueOf(value)
	if v.CanFloat() {
		return v.Float(), nil
	}
	if v.CanInt() || v.CanUint() {
		return v.Convert(reflect.TypeFor[float64]()).Float(), nil
	}
	return 0, unfit(value, "number")
}

func toText(value any) (string, error) {
	if text, ok := value.(string); ok {
		return text, nil
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.String {
		return v.String(), nil
	}
	return "", unfit(value, "string")
}

func toBytes(value any) ([]byte, error) {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		return v.Bytes(), nil
	}
	return nil, unfit(value, "[]byte")
}

// toDecimal is the plain text with exactly `scale` digits behind the point: of text or of an integer. Only zeros may be cut.
func toDecimal(value any, scale int) (string, error) {
	text, err := toText(value)
	if err != nil {
		whole, err := toInt64(value)
		if err != nil {
			return "", unfit(value, "decimal (a string such as \"12.50\", or an integer)")
		}
		text = fmt.Sprint(whole)
	}
	unsigned := strings.TrimPrefix(text, "-")
	whole, fraction, _ := strings.Cut(unsigned, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", fmt.Errorf("%q is no decimal: digits with at most one point", text)
	}
	if lost := fraction[min(scale, len(fraction)):]; strings.Trim(lost, "0") != "" {
		return "", fmt.Errorf("%s does not fit %d digits behind the point", text, scale)
	}
	fraction = (fraction + strings.Repeat("0", scale))[:scale]
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if scale > 0 {
		whole += "." + fraction
	}
	if text[0] == '-' {
		return "-" + whole, nil
	}
	return whole, nil
}

func encodeLists(of *Type, values []any, into *pb.ColumnData) error {
	lists := &pb.ListArray{Lengths: make([]uint32, len(values))}
	var flat []any
	for i, value := range values {
		if value == nil {
			continue
		}
		v := reflect.ValueOf(value)
		if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
			return &cellError{i, unfit(value, "slice")}
		}
		lists.Lengths[i] = uint32(v.Len())
		for place := range v.Len() {
			flat = append(flat, plain(v.Index(place)))
		}
	}
	elements, err := encodeColumn(of.Element, flat)
	if err != nil {
		return &cellError{owner(lists.Lengths, err), fmt.Errorf("element: %w", err)}
	}
	lists.Elements = elements
	into.Data = &pb.ColumnData_Lists{Lists: lists}
	return nil
}

// owner is the slot to which the element belongs that an error names.
func owner(lengths []uint32, err error) int {
	cell, ok := err.(*cellError)
	if !ok {
		return 0
	}
	place := cell.place
	for i, length := range lengths {
		if place < int(length) {
			return i
		}
		place -= int(length)
	}
	return len(lengths) - 1
}

func encodeMaps(of *Type, values []any, into *pb.ColumnData) error {
	maps := &pb.MapArray{Lengths: make([]uint32, len(values))}
	var keys, items []any
	for i, value := range values {
		if value == nil {
			continue
		}
		entries, err := entriesOf(value)
		if err != nil {
			return &cellError{i, err}
		}
		maps.Lengths[i] = uint32(len(entries))
		for _, entry := range entries {
			if entry.Key == nil {
				return &cellError{i, fmt.Errorf("a MAP has no null key")}
			}
			keys, items = append(keys, entry.Key), append(items, entry.Value)
		}
	}
	var err error
	if maps.Keys, err = encodeColumn(of.Key, keys); err != nil {
		return &cellError{owner(maps.Lengths, err), fmt.Errorf("key: %w", err)}
	}
	if maps.Values, err = encodeColumn(of.Element, items); err != nil {
		return &cellError{owner(maps.Lengths, err), fmt.Errorf("value: %w", err)}
	}
	into.Data = &pb.ColumnData_Maps{Maps: maps}
	return nil
}

// entriesOf are a map's entries, those of texts in order of their keys, so that equal maps have equal bytes.
func entriesOf(value any) ([]Entry, error) {
	if entries, ok := value.([]Entry); ok {
		return entries, nil
	}
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Map {
		return nil, unfit(value, "map")
	}
	out := make([]Entry, 0, v.Len())
	for each := v.MapRange(); each.Next(); {
		out = append(out, Entry{plain(each.Key()), plain(each.Value())})
	}
	sort.SliceStable(out, func(i, j int) bool { return fmt.Sprint(out[i].Key) < fmt.Sprint(out[j].Key) })
	return out, nil
}

func encodeStructs(of *Type, values []any, into *pb.ColumnData) error {
	columns := make([][]any, len(of.Fields))
	for i := range columns {
		columns[i] = make([]any, len(values))
	}
	for i, value := range values {
		if value == nil {
			continue
		}
		entries, err := entriesOf(value)
		if err != nil {
			return &cellError{i, unfit(value, "map or struct")}
		}
		for _, entry := range entries {
			name, _ := entry.Key.(string)
			place := resolve(len(of.Fields), func(f int) string { return of.Fields[f].Name }, name)
			if place < 0 {
				return &cellError{i, fmt.Errorf("unknown field %v of %s", entry.Key, of)}
			}
			columns[place][i] = entry.Value
		}
	}
	structs := &pb.StructArray{}
	for i, field := range of.Fields {
		column, err := encodeColumn(field.Type, columns[i])
		if err != nil {
			place := 0
			if cell, ok := err.(*cellError); ok {
				place = cell.place
			}
			return &cellError{place, fmt.Errorf("field %s: %w", field.Name, err)}
		}
		structs.Fields = append(structs.Fields, column)
	}
	into.Data = &pb.ColumnData_Structs{Structs: structs}
	return nil
}
