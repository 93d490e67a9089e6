package penstock

import (
	"fmt"
	"reflect"
	"time"
)

// Rows are rows to append: values by column name, those of types.go or what Go converts to them without loss.
type Rows []map[string]any

// RowsOf makes rows of structs, whose fields name columns as Row.Decode says. A nil pointer is NULL.
func RowsOf[T any](items ...T) Rows {
	rows := make(Rows, len(items))
	for i := range items {
		row, _ := plain(reflect.ValueOf(&items[i]).Elem()).(map[string]any)
		rows[i] = row
	}
	return rows
}

type structField struct {
	name  string
	value reflect.Value
}

// fieldsOf are the fields of the struct behind a pointer; none for anything else.
func fieldsOf(pointer any) []structField {
	v := reflect.ValueOf(pointer)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	return fields(v.Elem())
}

func fields(v reflect.Value) []structField {
	var out []structField
	for _, field := range reflect.VisibleFields(v.Type()) {
		name, tagged := field.Tag.Lookup("penstock")
		if !field.IsExported() || field.Anonymous || name == "-" {
			continue
		}
		if !tagged {
			name = field.Name
		}
		out = append(out, structField{name, v.FieldByIndex(field.Index)})
	}
	return out
}

// isValue says whether a struct type is one value, not a STRUCT.
func isValue(of reflect.Type) bool {
	return of == reflect.TypeFor[time.Time]() || of == reflect.TypeFor[Date]()
}

// plain is a value as the encoders take it: pointers followed (nil is NULL), structs as maps.
func plain(v reflect.Value) any {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	if v.Kind() == reflect.Struct && !isValue(v.Type()) {
		out := map[string]any{}
		for _, field := range fields(v) {
			out[field.name] = plain(field.value)
		}
		return out
	}
	if (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.IsNil() {
		return nil
	}
	return v.Interface()
}

// assign writes a decoded value to where a pointer points.
func assign(pointer any, value any) error {
	return set(reflect.ValueOf(pointer).Elem(), value)
}

func set(into reflect.Value, value any) error {
	if value == nil {
		into.SetZero()
		return nil
	}
	v := reflect.ValueOf(value)
	switch {
	case v.Type().AssignableTo(into.Type()):
		into.Set(v)
		return nil
	case into.Kind() == reflect.Pointer:
		fresh := reflect.New(into.Type().Elem())
		if err := set(fresh.Elem(), value); err != nil {
			return err
		}
		into.Set(fresh)
		return nil
	case v.CanInt() && v.Type() != reflect.TypeFor[TimeOfDay]():
		return setInteger(into, v.Int())
	case v.CanFloat() && into.CanFloat():
		into.SetFloat(v.Float())
		return nil
	case v.Kind() == into.Kind() && (v.Kind() == reflect.String || v.Kind() == reflect.Bool):
		into.Set(v.Convert(into.Type()))
		return nil
	case v.Kind() == reflect.Slice && into.Kind() == reflect.Slice:
		return setSlice(into, v)
	case v.Kind() == reflect.Map && into.Kind() == reflect.Map:
		return setMap(into, v)
	}
	if named, ok := value.(map[string]any); ok && into.Kind() == reflect.Struct {
		return setStruct(into, named)
	}
	return fmt.Errorf("%T does not go into %s", value, into.Type())
}

func setInteger(into reflect.Value, value int64) error {
	switch {
	case into.CanInt() && !into.OverflowInt(value):
		into.SetInt(value)
	case into.CanUint() && value >= 0 && !into.OverflowUint(uint64(value)):
		into.SetUint(uint64(value))
	default:
		return fmt.Errorf("%d does not go into %s", value, into.Type())
	}
	return nil
}

func setSlice(into, v reflect.Value) error {
	out := reflect.MakeSlice(into.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		if err := set(out.Index(i), v.Index(i).Interface()); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	into.Set(out)
	return nil
}

func setMap(into, v reflect.Value) error {
	out := reflect.MakeMapWithSize(into.Type(), v.Len())
	for each := v.MapRange(); each.Next(); {
		key, value := reflect.New(into.Type().Key()).Elem(), reflect.New(into.Type().Elem()).Elem()
		if err := set(key, each.Key().Interface()); err != nil {
			return fmt.Errorf("key: %w", err)
		}
		if err := set(value, each.Value().Interface()); err != nil {
			return fmt.Errorf("value of %v: %w", key, err)
		}
		out.SetMapIndex(key, value)
	}
	into.Set(out)
	return nil
}

func setStruct(into reflect.Value, named map[string]any) error {
	names := make([]string, 0, len(named))
	for name := range named {
		names = append(names, name)
	}
	for _, field := range fields(into) {
		place := resolve(len(names), func(i int) string { return names[i] }, field.name)
		if place < 0 {
			return fmt.Errorf("no field %s", field.name)
		}
		if err := set(field.value, named[names[place]]); err != nil {
			return fmt.Errorf("field %s: %w", field.name, err)
		}
	}
	return nil
}
