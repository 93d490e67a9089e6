package penstock

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Key is the values of several key columns, in their order; a single one needs no Key.
type Key []any

// Parameters are the values of `:name` in an expression or query.
type Parameters map[string]any

// toValue is the message of a Go value, by its type; nil is NULL. DECIMAL is its text.
func toValue(value any) (*pb.Value, error) {
	v := reflect.ValueOf(value)
	value = nil
	if v.IsValid() {
		value = plain(v)
	}
	switch value := value.(type) {
	case nil:
		return &pb.Value{}, nil
	case Date:
		days, err := value.days()
		return integer(int64(days)), err
	case TimeOfDay:
		ms, err := value.millis()
		return integer(int64(ms)), err
	case time.Time:
		ms, err := millis(value)
		return integer(ms), err
	case []byte:
		return &pb.Value{Kind: &pb.Value_Binary{Binary: value}}, nil
	case []Entry:
		return entriesValue(value)
	}
	switch v = reflect.ValueOf(value); {
	case v.Kind() == reflect.Bool:
		return &pb.Value{Kind: &pb.Value_Boolean{Boolean: v.Bool()}}, nil
	case v.Kind() == reflect.String:
		return &pb.Value{Kind: &pb.Value_Text{Text: v.String()}}, nil
	case v.CanInt() || v.CanUint():
		whole, err := toInt64(value)
		return integer(whole), err
	case v.CanFloat():
		return &pb.Value{Kind: &pb.Value_Floating{Floating: v.Float()}}, nil
	case v.Kind() == reflect.Slice:
		items := make([]any, v.Len())
		for i := range items {
			items[i] = v.Index(i).Interface()
		}
		values, err := toValues(items)
		return &pb.Value{Kind: &pb.Value_List{List: &pb.ValueList{Values: values}}}, err
	case v.Kind() == reflect.Map:
		entries, err := entriesOf(value)
		if err != nil {
			return nil, err
		}
		return entriesValue(entries)
	}
	return nil, fmt.Errorf("no SQL value for %T", value)
}

func integer(value int64) *pb.Value { return &pb.Value{Kind: &pb.Value_Integer{Integer: value}} }

func entriesValue(entries []Entry) (*pb.Value, error) {
	out := &pb.ValueEntries{}
	for _, entry := range entries {
		pair, err := toValues([]any{entry.Key, entry.Value})
		if err != nil {
			return nil, err
		}
		out.Keys, out.Values = append(out.Keys, pair[0]), append(out.Values, pair[1])
	}
	return &pb.Value{Kind: &pb.Value_Entries{Entries: out}}, nil
}

func toValues(values []any) ([]*pb.Value, error) {
	out := make([]*pb.Value, len(values))
	for i, value := range values {
		var err error
		if out[i], err = toValue(value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// keyValues is a key as one value for each key column.
func keyValues(key any) ([]*pb.Value, error) {
	values, several := key.(Key)
	if !several {
		values = Key{key}
	}
	out, err := toValues(values)
	if err != nil {
		return nil, fmt.Errorf("penstock: key: %w", err)
	}
	return out, nil
}

func (p Parameters) message() (map[string]*pb.Value, error) {
	out := make(map[string]*pb.Value, len(p))
	for name, value := range p {
		message, err := toValue(value)
		if err != nil {
			return nil, fmt.Errorf("penstock: parameter %s: %w", name, err)
		}
		out[strings.TrimPrefix(name, ":")] = message
	}
	return out, nil
}
