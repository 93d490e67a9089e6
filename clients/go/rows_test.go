package penstock

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

func of(kind Kind) *Type { return &Type{Kind: kind} }
func decimal(precision, scale int) *Type {
	return &Type{Kind: KindDecimal, Precision: precision, Scale: scale}
}
func array(element *Type) *Type      { return &Type{Kind: KindArray, Element: element} }
func mapOf(key, element *Type) *Type { return &Type{Kind: KindMap, Key: key, Element: element} }

var address = &Type{Kind: KindStruct, Fields: []Field{{"STREET", of(KindString)}, {"ZIPS", array(of(KindInt))}}}

// sent is the values after a trip over the wire.
func sent(t *testing.T, of *Type, values []any) []any {
	t.Helper()
	encoded, err := encodeColumn(of, values)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := proto.Marshal(encoded)
	if err != nil {
		t.Fatal(err)
	}
	data := &pb.ColumnData{}
	if err := proto.Unmarshal(bytes, data); err != nil {
		t.Fatal(err)
	}
	decoded, err := decodeColumn(of, data, len(values))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]any, len(values))
	for i := range out {
		out[i] = decoded.at(i)
	}
	return out
}

func TestEveryTypeThereAndBack(t *testing.T) {
	for _, c := range []struct {
		of     *Type
		values []any
	}{
		{of(KindBoolean), []any{true, nil, false}},
		{of(KindInt), []any{int32(math.MinInt32), int32(math.MaxInt32), nil, int32(0)}},
		{of(KindBigint), []any{int64(math.MinInt64), int64(math.MaxInt64), nil, int64(1<<53 + 1)}},
		{of(KindDouble), []any{math.Inf(-1), math.SmallestNonzeroFloat64, math.MaxFloat64, nil, -0.5}},
		{decimal(38, 10), []any{"-9999999999999999999999999999.9999999999", nil, "0.0000000001"}},
		{of(KindString), []any{"", nil, "żółw \U0001F422 \x00"}},
		{of(KindBytes), []any{[]byte{}, nil, []byte{0, 255}}},
		{of(KindDate), []any{Date{1970, time.January, 1}, Date{1, time.January, 1}, nil, dateOfDays(math.MaxInt32), dateOfDays(math.MinInt32)}},
		{of(KindTime), []any{Clock(0, 0, 0, 0), nil, Clock(23, 59, 59, 999)}},
		{of(KindTimestamp), []any{instantOf(0), instantOf(-1), nil, instantOf(math.MaxInt64), instantOf(math.MinInt64)}},
		{array(array(of(KindBigint))), []any{[]any{}, nil, []any{[]any{int64(1), nil}, nil, []any{}}}},
		{mapOf(of(KindString), decimal(4, 2)), []any{map[string]any{}, nil, map[string]any{"a": "1.50", "": nil}}},
		{mapOf(of(KindDate), of(KindInt)), []any{map[any]any{Date{2024, time.February, 29}: int32(1)}}},
		{mapOf(of(KindBytes), of(KindInt)), []any{[]Entry{{[]byte{1}, int32(1)}, {[]byte{2}, nil}}}},
		{address, []any{map[string]any{"STREET": "x", "ZIPS": []any{int32(1)}}, nil, map[string]any{"STREET": nil, "ZIPS": nil}}},
		{array(address), []any{[]any{map[string]any{"STREET": "x", "ZIPS": nil}, nil}, []any{}}},
		{of(KindString), []any{}},
		{of(KindBigint), []any{nil, nil, nil, nil, nil, nil, nil, nil, int64(9)}},
	} {
		if got := sent(t, c.of, c.values); !reflect.DeepEqual(got, c.values) {
			t.Errorf("%s: sent %v, got %v", c.of, c.values, got)
		}
	}
}

func TestNaNThereAndBack(t *testing.T) {
	if got := sent(t, of(KindDouble), []any{math.NaN()})[0].(float64); !math.IsNaN(got) {
		t.Errorf("got %v", got)
	}
}

func TestAColumnWithoutDataIsNull(t *testing.T) {
	decoded, err := decodeColumn(array(of(KindInt)), &pb.ColumnData{}, 3)
	if err != nil || decoded.at(2) != nil {
		t.Errorf("got %v, %v", decoded, err)
	}
}

func TestDataOfAnotherTypeOrLengthIsRefused(t *testing.T) {
	ints := &pb.ColumnData{Data: &pb.ColumnData_Ints{Ints: &pb.IntArray{Values: []int32{1, 2}}}}
	if _, err := decodeColumn(of(KindBigint), ints, 2); err == nil || !strings.Contains(err.Error(), "BIGINT") {
		t.Errorf("got %v", err)
	}
	if _, err := decodeColumn(of(KindInt), ints, 3); err == nil || !strings.Contains(err.Error(), "2 slots") {
		t.Errorf("got %v", err)
	}
}

var purchases = &Relation{Name: "PURCHASES", Columns: []Column{
	{"CUSTOMER", of(KindString), RoleKey}, {"PRICE", decimal(6, 2), RoleValue}, {"COUNT", of(KindInt), RoleValue}, {"HOME", address, RoleValue},
}}

func TestRowsThatDoNotFitNameRowAndColumn(t *testing.T) {
	for _, c := range []struct {
		value map[string]any
		want  string
	}{
		{map[string]any{"count": int64(1) << 31}, "row 1, column COUNT INT: 2147483648 does not fit 32 bits"},
		{map[string]any{"price": "1.005"}, "row 1, column PRICE DECIMAL(6, 2): 1.005 does not fit 2 digits"},
		{map[string]any{"price": 1.5}, "float64 is no decimal"},
		{map[string]any{"price": "1e3"}, `"1e3" is no decimal`},
		{map[string]any{"customer": 7}, "row 1, column CUSTOMER STRING: int is no string"},
		{map[string]any{"home": map[string]any{"zips": []string{"x"}}}, "row 1, column HOME"},
		{map[string]any{"home": map[string]any{"town": "x"}}, "unknown field town"},
		{map[string]any{"custom": "x"}, "row 1: PURCHASES has no column custom; there are CUSTOMER, PRICE"},
	} {
		_, err := typedRows(purchases, Rows{{"customer": "a"}, c.value})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.value, err, c.want)
		}
	}
}

func TestDecimalsAreWrittenWithTheScalesDigits(t *testing.T) {
	for given, want := range map[any]string{"1": "1.00", "-.5": "-0.50", "007.100": "7.10", 12: "12.00", int64(-3): "-3.00"} {
		if got, err := toDecimal(given, 2); err != nil || got != want {
			t.Errorf("%v: got %q, %v, want %q", given, got, err, want)
		}
	}
}

type home struct {
	Street string
	Zips   []int
}

type purchase struct {
	Customer string
	Amount   *string `penstock:"price"`
	Count    int64
	Home     home
	Note     string `penstock:"-"`
}

func TestStructsThereAndBack(t *testing.T) {
	price := "12.50"
	items := []purchase{{"a", &price, 3, home{"x", []int{1, 2}}, ""}, {Customer: "b"}}
	message, err := typedRows(purchases, RowsOf(items...))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := batchOf(&RowSchema{Columns: purchases.Columns}, message.GetBatch(), "", false)
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range items {
		var got purchase
		if err := batch.Row(i).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, item) {
			t.Errorf("got %+v, want %+v", got, item)
		}
	}
	if _, err := Cell[int8](batch.Row(0), "customer"); err == nil {
		t.Error("a text went into a number")
	}
	if count, err := Cell[uint16](batch.Row(0), "count"); err != nil || count != 3 {
		t.Errorf("got %v, %v", count, err)
	}
	if _, err := Cell[int](batch.Row(0), "counts"); err == nil || !strings.Contains(err.Error(), "no column counts; there are CUSTOMER") {
		t.Errorf("got %v", err)
	}
}

func TestCellsOfABatch(t *testing.T) {
	message, err := typedRows(purchases, Rows{{"customer": "a", "price": 1, "count": 3}, {"customer": "b", "count": 4}})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := batchOf(&RowSchema{Columns: purchases.Columns[:3]}, message.GetBatch(), "", false)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Cells[string](batch.head(1), "customer"); err != nil || !reflect.DeepEqual(got, []string{"a"}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := Cells[int](batch, "count"); err != nil || !reflect.DeepEqual(got, []int{3, 4}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := Cells[*string](batch, "price"); err != nil || *got[0] != "1.00" || got[1] != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := Cells[int](batch, "customer"); err == nil || !strings.Contains(err.Error(), "column customer: string does not go into int") {
		t.Errorf("got %v", err)
	}
}

func TestRowsAsJSON(t *testing.T) {
	texts, err := jsonRows(Rows{{
		"b": []byte{1, 2}, "d": Date{2024, time.February, 3}, "t": Clock(1, 2, 3, 4), "at": time.UnixMilli(1).In(time.FixedZone("", 3600)),
		"s": home{"<&>", []int{1}}, "n": nil,
	}})
	want := `{"at":"1970-01-01T00:00:00.001Z","b":"AQI=","d":"2024-02-03","n":null,"s":{"Street":"<&>","Zips":[1]},"t":"01:02:03.004"}`
	if err != nil || texts[0] != want {
		t.Errorf("got %v, %v", texts, err)
	}
}

func TestDatesThatAreNone(t *testing.T) {
	if _, err := (Date{2023, time.February, 29}).days(); err == nil {
		t.Error("2023-02-29 was taken")
	}
	if _, err := millis(time.Date(292278994, 8, 17, 7, 12, 55, 808e6, time.UTC)); err == nil {
		t.Error("a time beyond 64 bits was taken")
	}
	if ms, err := millis(time.UnixMilli(math.MaxInt64)); err != nil || ms != math.MaxInt64 {
		t.Errorf("got %d, %v", ms, err)
	}
	if _, err := (TimeOfDay(24 * time.Hour)).millis(); err == nil {
		t.Error("24:00 was taken")
	}
}
