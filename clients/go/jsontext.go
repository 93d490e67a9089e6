package penstock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// jsonRows is each row as a JSON object: dates and times in ISO 8601 (instants in UTC, whole milliseconds), bytes in base64.
func jsonRows(rows Rows) ([]string, error) {
	out := make([]string, len(rows))
	for i, row := range rows {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(jsonValue(reflect.ValueOf(row))); err != nil {
			return nil, fmt.Errorf("penstock: row %d: %w", i, err)
		}
		out[i] = string(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	}
	return out, nil
}

// jsonValue is a value as encoding/json writes what the service reads.
func jsonValue(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	value := plain(v)
	if instant, ok := value.(time.Time); ok {
		return instant.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	switch v = reflect.ValueOf(value); {
	case v.Kind() == reflect.Map:
		out := make(map[string]any, v.Len())
		for each := v.MapRange(); each.Next(); {
			out[fmt.Sprint(each.Key().Interface())] = jsonValue(each.Value())
		}
		return out
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = jsonValue(v.Index(i))
		}
		return out
	}
	return value
}
