package penstock

import (
	"fmt"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// vector is one decoded column. It keeps the message's arrays and makes a value when it is asked for.
type vector interface {
	// at is the value of a slot, nil for NULL.
	at(slot int) any
}

// Entry is one entry of a MAP whose keys Go cannot compare.
type Entry struct{ Key, Value any }

// decodeColumn checks a column against its type and its number of slots.
func decodeColumn(of *Type, data *pb.ColumnData, slots int) (vector, error) {
	if data.GetData() == nil {
		return nulls{}, nil
	}
	valid := validity(data.GetValidity())
	if len(valid) > 0 && len(valid)*8 < slots {
		return nil, fmt.Errorf("validity has %d bits for %d slots", len(valid)*8, slots)
	}
	switch of.Kind {
	case KindBoolean:
		return scalars(data.GetBooleans(), data.GetBooleans().GetValues(), slots, valid, of, nil)
	case KindInt:
		return scalars(data.GetInts(), data.GetInts().GetValues(), slots, valid, of, nil)
	case KindDate:
		return scalars(data.GetInts(), data.GetInts().GetValues(), slots, valid, of, func(v int32) any { return dateOfDays(v) })
	case KindTime:
		return scalars(data.GetInts(), data.GetInts().GetValues(), slots, valid, of, func(v int32) any { return timeOfMillis(v) })
	case KindBigint:
		return scalars(data.GetLongs(), data.GetLongs().GetValues(), slots, valid, of, nil)
	case KindTimestamp:
		return scalars(data.GetLongs(), data.GetLongs().GetValues(), slots, valid, of, func(v int64) any { return instantOf(v) })
	case KindDouble:
		return scalars(data.GetDoubles(), data.GetDoubles().GetValues(), slots, valid, of, nil)
	case KindString, KindDecimal:
		return scalars(data.GetStrings(), data.GetStrings().GetValues(), slots, valid, of, nil)
	case KindBytes:
		return scalars(data.GetBinaries(), data.GetBinaries().GetValues(), slots, valid, of, nil)
	case KindArray:
		return decodeLists(of, data.GetLists(), slots, valid)
	case KindMap:
		return decodeMaps(of, data.GetMaps(), slots, valid)
	case KindStruct:
		return decodeStructs(of, data.GetStructs(), slots, valid)
	}
	return nil, fmt.Errorf("no decoder for %s", of)
}

// validity has a bit for each slot that is not NULL; empty when none is NULL.
type validity []byte

func (v validity) null(slot int) bool { return len(v) > 0 && v[slot/8]>>(slot%8)&1 == 0 }

// nulls is a column of NULLs.
type nulls struct{}

func (nulls) at(int) any { return nil }

type scalarVector[T any] struct {
	values  []T
	valid   validity
	convert func(T) any // nil: a value is what the message holds
}

func (s *scalarVector[T]) at(slot int) any {
	if s.valid.null(slot) {
		return nil
	}
	if s.convert == nil {
		return s.values[slot]
	}
	return s.convert(s.values[slot])
}

// scalars is a column of scalars. array is nil when the message holds another type's.
func scalars[A any, T any](array *A, values []T, slots int, valid validity, of *Type, convert func(T) any) (vector, error) {
	if array == nil {
		return nil, fmt.Errorf("column does not hold what %s needs", of)
	}
	if err := sameLength(len(values), slots); err != nil {
		return nil, err
	}
	return &scalarVector[T]{values, valid, convert}, nil
}

func sameLength(actual, expected int) error {
	if actual != expected {
		return fmt.Errorf("column has %d slots where there must be %d", actual, expected)
	}
	return nil
}

// offsets are where each slot's elements begin; the last is their number.
func offsets(lengths []uint32) []int {
	out := make([]int, len(lengths)+1)
	for i, length := range lengths {
		out[i+1] = out[i] + int(length)
	}
	return out
}

type listVector struct {
	starts   []int
	elements vector
	valid    validity
}

func decodeLists(of *Type, lists *pb.ListArray, slots int, valid validity) (vector, error) {
	if lists == nil {
		return nil, fmt.Errorf("column does not hold what %s needs", of)
	}
	if err := sameLength(len(lists.GetLengths()), slots); err != nil {
		return nil, err
	}
	starts := offsets(lists.GetLengths())
	elements, err := decodeColumn(of.Element, lists.GetElements(), starts[slots])
	if err != nil {
		return nil, fmt.Errorf("element: %w", err)
	}
	return &listVector{starts, elements, valid}, nil
}

func (l *listVector) at(slot int) any {
	if l.valid.null(slot) {
		return nil
	}
	out := make([]any, 0, l.starts[slot+1]-l.starts[slot])
	for i := l.starts[slot]; i < l.starts[slot+1]; i++ {
		out = append(out, l.elements.at(i))
	}
	return out
}

type mapVector struct {
	starts       []int
	keys, values vector
	key          Kind
	valid        validity
}

func decodeMaps(of *Type, maps *pb.MapArray, slots int, valid validity) (vector, error) {
	if maps == nil {
		return nil, fmt.Errorf("column does not hold what %s needs", of)
	}
	if err := sameLength(len(maps.GetLengths()), slots); err != nil {
		return nil, err
	}
	starts := offsets(maps.GetLengths())
	keys, err := decodeColumn(of.Key, maps.GetKeys(), starts[slots])
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	values, err := decodeColumn(of.Element, maps.GetValues(), starts[slots])
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	return &mapVector{starts, keys, values, of.Key.Kind, valid}, nil
}

func (m *mapVector) at(slot int) any {
	if m.valid.null(slot) {
		return nil
	}
	first, last := m.starts[slot], m.starts[slot+1]
	switch m.key {
	case KindString:
		out := make(map[string]any, last-first)
		for i := first; i < last; i++ {
			key, _ := m.keys.at(i).(string)
			out[key] = m.values.at(i)
		}
		return out
	case KindBytes, KindArray, KindMap, KindStruct:
		out := make([]Entry, 0, last-first)
		for i := first; i < last; i++ {
			out = append(out, Entry{m.keys.at(i), m.values.at(i)})
		}
		return out
	}
	out := make(map[any]any, last-first)
	for i := first; i < last; i++ {
		out[m.keys.at(i)] = m.values.at(i)
	}
	return out
}

type structVector struct {
	names  []string
	fields []vector
	valid  validity
}

func decodeStructs(of *Type, structs *pb.StructArray, slots int, valid validity) (vector, error) {
	if structs == nil || len(structs.GetFields()) != len(of.Fields) {
		return nil, fmt.Errorf("column does not hold what %s needs", of)
	}
	out := &structVector{make([]string, len(of.Fields)), make([]vector, len(of.Fields)), valid}
	for i, field := range of.Fields {
		decoded, err := decodeColumn(field.Type, structs.GetFields()[i], slots)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", field.Name, err)
		}
		out.names[i], out.fields[i] = field.Name, decoded
	}
	return out, nil
}

func (s *structVector) at(slot int) any {
	if s.valid.null(slot) {
		return nil
	}
	out := make(map[string]any, len(s.fields))
	for i, name := range s.names {
		out[name] = s.fields[i].at(slot)
	}
	return out
}
