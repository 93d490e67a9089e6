package penstock

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// running adds up prices by customer.
var running = RowFunc(func(row *Row, context *RowContext) error {
	price, there := row.Value("price")
	if !there || price == nil {
		return fmt.Errorf("no price for %v", context.Key()[0])
	}
	total, _ := price.(int64)
	if before := context.State("totals"); before != nil {
		total += before["TOTAL"].(int64)
	}
	context.Put("totals", map[string]any{"total": total})
	context.Send("sums", map[string]any{"total": total})
	return nil
})

var trial = Trial{
	Columns: "CUSTOMER STRING KEY, PRICE BIGINT", Outputs: map[string]string{"sums": "CUSTOMER STRING KEY, TOTAL BIGINT"},
	Stores: map[string]string{"totals": "TOTAL BIGINT"}, State: map[string]Rows{"totals": {{"CUSTOMER": "a", "TOTAL": int64(10)}}},
}

func TestAHandlerIsTriedWithoutAService(t *testing.T) {
	bundle, err := trial.Run(running, Rows{{"customer": "a", "price": int64(1)}, {"customer": "b", "price": int64(5)}, {"customer": "a", "price": int64(2)}})
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"CUSTOMER": "a", "TOTAL": int64(11)}, {"CUSTOMER": "b", "TOTAL": int64(5)}, {"CUSTOMER": "a", "TOTAL": int64(13)},
	}
	if got := bundle.Sent("sums"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got := bundle.State("totals", Key{"a"}); got["TOTAL"] != int64(13) {
		t.Errorf("got %v", got)
	}
}

func TestRowsThatFailAreBad(t *testing.T) {
	_, err := trial.Run(running, Rows{{"customer": "a", "price": int64(1)}, {"customer": "b"}})
	var bad *BadRows
	if !errors.As(err, &bad) || !reflect.DeepEqual(bad.Rows, []int{1}) || bad.Reason != "no price for b" {
		t.Errorf("got %v", err)
	}
	panics := RowFunc(func(*Row, *RowContext) error { var none map[string]int; none["x"] = 1; return nil })
	if _, err := trial.Run(panics, Rows{{"customer": "a"}}); !errors.As(err, &bad) || !strings.HasPrefix(bad.Reason, "panic: assignment to entry in nil map\n") {
		t.Errorf("got %v", err)
	}
	again := RowFunc(func(*Row, *RowContext) error { return fmt.Errorf("the other service is away: %w", ErrRetryBundle) })
	if _, err := trial.Run(again, Rows{{"customer": "a"}}); errors.As(err, &bad) || !errors.Is(err, ErrRetryBundle) {
		t.Errorf("got %v", err)
	}
}

func TestMistakesOfAHandlerFailTheBundle(t *testing.T) {
	for want, handler := range map[string]RowFunc{
		"trial has no output nowhere": func(_ *Row, c *RowContext) error { c.Send("nowhere", nil); return nil },
		"trial has no store nowhere":  func(_ *Row, c *RowContext) error { c.State("nowhere"); return nil },
		"output sums has no column x; it has CUSTOMER, TOTAL, ROWTIME": func(_ *Row, c *RowContext) error {
			c.Send("sums", map[string]any{"x": 1})
			return nil
		},
	} {
		var bad *BadRows
		if _, err := trial.Run(handler, Rows{{"customer": "a"}}); err == nil || err.Error() != want || errors.As(err, &bad) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestAnAnswer(t *testing.T) {
	at := time.UnixMilli(7)
	handler := RowFunc(func(row *Row, c *RowContext) error {
		c.Put("totals", nil)
		c.SendWith("sums", nil, SendOptions{Timestamp: at})
		return nil
	})
	bundle, err := trial.Run(handler, Rows{{"customer": "a"}, {"customer": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := bundle.result(3, 4)
	if err != nil {
		t.Fatal(err)
	}
	sums := result.GetOutputs()[0]
	if result.GetLease() != 3 || result.GetBundle() != 4 || !reflect.DeepEqual(sums.GetCauses(), []uint32{0, 1}) || len(sums.GetRows().GetKinds()) != 2 {
		t.Errorf("got %v", result)
	}
	rows, err := batchOf(bundle.Node.Outputs["sums"], sums.GetRows(), "", false)
	if err != nil || !rows.Row(1).Deleted() || !reflect.DeepEqual(rows.Row(1).Values(), []any{"b", nil, int64(7)}) {
		t.Errorf("got %v, %v", rows.Row(1), err)
	}
	if state := result.GetState()[0]; state.GetName() != "totals" || state.GetRows().GetRowCount() != 2 || len(state.GetRows().GetKinds()) != 2 {
		t.Errorf("got %v", state)
	}
	wrong := RowFunc(func(_ *Row, c *RowContext) error { c.Send("sums", map[string]any{"total": "x"}); return nil })
	bundle, _ = trial.Run(wrong, Rows{{"customer": "a"}})
	bundle.Node.Outputs["sums"].Columns[1].Type = of(KindBigint)
	if _, err := bundle.result(1, 1); err == nil || err.Error() != "output sums, column TOTAL (BIGINT): string is no integer" {
		t.Errorf("got %v", err)
	}
}

// whole is a handler of whole bundles.
type whole func(bundle *Bundle)

func (w whole) ProcessBundle(bundle *Bundle) error {
	w(bundle)
	return nil
}

func TestRowsAreSentByColumn(t *testing.T) {
	long, text := of(KindBigint), of(KindString)
	byColumn := whole(func(bundle *Bundle) {
		bundle.SendColumns("sums", map[string]any{"total": []int{1, 2, 3}}, nil)
	})
	rows := Rows{{"customer": "a"}, {"customer": "b"}, {"customer": "c"}}
	bundle, err := trial.Run(byColumn, rows)
	if err != nil {
		t.Fatal(err)
	}
	sums := bundle.Node.Outputs["sums"]
	sums.Columns[0].Type, sums.Columns[1].Type, sums.Columns[2].Type = text, long, long
	answer, err := bundle.result(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	sent := answer.GetOutputs()[0]
	columns := sent.GetRows().GetColumns()
	if got := columns[0].GetStrings().GetValues(); !reflect.DeepEqual(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v", got)
	}
	if got := columns[1].GetLongs().GetValues(); !reflect.DeepEqual(got, []int64{1, 2, 3}) || columns[2].GetData() != nil {
		t.Errorf("got %v, %v", got, columns[2])
	}
	if !reflect.DeepEqual(sent.GetCauses(), []uint32{0, 1, 2}) || sent.GetRows().GetRowCount() != 3 {
		t.Errorf("got %v", sent)
	}
	mixed := whole(func(bundle *Bundle) {
		bundle.Send("sums", map[string]any{"TOTAL": 5}, 1, SendOptions{})
		bundle.SendColumns("sums", map[string]any{"TOTAL": []any{7, nil}, "CUSTOMER": []string{"x", "y"}}, []int{2, 0})
	})
	if bundle, err = trial.Run(mixed, rows); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{"CUSTOMER": "y", "TOTAL": nil}, {"CUSTOMER": "b", "TOTAL": 5}, {"CUSTOMER": "x", "TOTAL": 7}}
	if got := bundle.Sent("sums"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	for wrong, columns := range map[string]map[string]any{"no column X": {"X": []int{}}, "no slice of 3 values": {"TOTAL": []int{1}}} {
		_, err := trial.Run(whole(func(bundle *Bundle) { bundle.SendColumns("sums", columns, nil) }), rows)
		if err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("got %v", err)
		}
	}
}

func TestTimersOfAHandler(t *testing.T) {
	at := time.UnixMilli
	silence := Timed{
		OnRow: func(row *Row, c *RowContext) error {
			c.SetTimer(at(60), "silent", StreamTime)
			c.SetTimer(at(61), "", WallClock)
			return nil
		},
		OnTimer: func(timer Timer, c *RowContext) error {
			if timer.Name == "bad" {
				return errors.New("a bad one")
			}
			c.CancelTimer(time.Time{}, "other", StreamTime)
			before, _ := c.State("totals")["TOTAL"].(int64)
			c.Send("sums", map[string]any{"total": timer.At.UnixMilli() + before})
			return nil
		},
	}
	due := trial
	due.Timers = []Timer{{Key: Key{"a"}, At: at(5), Name: "silent"}, {Key: Key{"a"}, At: at(6), Name: "other"}, {Key: Key{"b"}, At: at(7)}}
	bundle, err := due.Run(silence, Rows{{"customer": "c"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := bundle.Sent("sums"); !reflect.DeepEqual(got, []map[string]any{{"CUSTOMER": "a", "TOTAL": int64(15)}, {"CUSTOMER": "b", "TOTAL": int64(7)}}) {
		t.Errorf("got %v", got)
	}
	if got := bundle.SetTimers(); !reflect.DeepEqual(got, []Timer{{Key{"c"}, at(60), "silent", StreamTime}, {Key{"c"}, at(61), "", WallClock}}) {
		t.Errorf("got %v", got)
	}
	bundle.Node.Outputs["sums"].Columns[1].Type = of(KindBigint)
	result, err := bundle.result(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	timers := result.GetTimers()
	if !reflect.DeepEqual(result.GetOutputs()[0].GetCauses(), []uint32{0, 2}) || !reflect.DeepEqual(timers.GetNames(), []string{"other", "other", "silent", ""}) ||
		!reflect.DeepEqual(timers.GetTimes(), []int64{0, 0, 60, 61}) || len(timers.GetKeys().GetKinds()) != 4 {
		t.Errorf("got %v", result)
	}
	back, err := timersOf(bundle.Node, timers)
	if err != nil || !reflect.DeepEqual(back[3], Timer{Key{"c"}, at(61), "", WallClock}) {
		t.Errorf("got %v, %v", back, err)
	}
	due.Timers = []Timer{{Key: Key{"a"}, At: at(5)}, {Key: Key{"a"}, At: at(6), Name: "bad"}}
	var bad *BadRows
	if _, err := due.Run(silence, nil); !errors.As(err, &bad) || !reflect.DeepEqual(bad.Timers, []int{1}) || bad.Reason != "a bad one" {
		t.Errorf("got %v", err)
	}
	if _, err := due.Run(running, nil); err == nil || errors.As(err, &bad) || !strings.Contains(err.Error(), "fires no timers") {
		t.Errorf("got %v", err)
	}
}

func TestKeysOfArraysAndStructsHaveState(t *testing.T) {
	counting := RowFunc(func(_ *Row, c *RowContext) error {
		n, _ := c.State("seen")["N"].(int64)
		c.Put("seen", map[string]any{"n": n + 1})
		return nil
	})
	one, other := []any{int64(1), map[string]any{"A": "x", "B": nil}}, []any{int64(1), map[string]any{"A": "y", "B": nil}}
	keyed := Trial{Columns: "K ARRAY<INT> KEY, V INT", Stores: map[string]string{"seen": "N BIGINT"}, State: map[string]Rows{"seen": {{"K": one, "N": int64(4)}}}}
	bundle, err := keyed.Run(counting, Rows{{"K": one}, {"K": other}, {"K": []any{int64(1), map[string]any{"B": nil, "A": "x"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[*[]any]int64{&one: 6, &other: 1} {
		if got := bundle.State("seen", Key{*key})["N"]; got != want {
			t.Errorf("got %v, want %d", got, want)
		}
	}
	if len(bundle.after["seen"].rows) != 2 {
		t.Errorf("got %v", bundle.after["seen"].rows)
	}
}

func TestFunctions(t *testing.T) {
	twice := RowFunction(func(arguments ...any) (any, error) {
		switch n := arguments[0].(int64); n {
		case 1:
			return nil, errors.New("one is odd")
		case 3:
			return nil, ErrRetryBundle
		default:
			return 2 * n, nil
		}
	})
	if got, err := twice([][]any{{int64(2), int64(4)}}); err != nil || !reflect.DeepEqual(got, []any{int64(4), int64(8)}) {
		t.Errorf("got %v, %v", got, err)
	}
	var bad *BadRows
	if _, err := twice([][]any{{int64(2), int64(1)}}); !errors.As(err, &bad) || !reflect.DeepEqual(bad.Rows, []int{1}) || bad.Reason != "one is odd" {
		t.Errorf("got %v", err)
	}
	if _, err := twice([][]any{{int64(3)}}); errors.As(err, &bad) || !errors.Is(err, ErrRetryBundle) {
		t.Errorf("got %v", err)
	}
	if _, err := twice([][]any{{"x"}}); !errors.As(err, &bad) || !strings.HasPrefix(bad.Reason, "panic: ") {
		t.Errorf("got %v", err)
	}
	if got, err := served("geo/2"); err != nil || got.GetName() != "GEO" || got.GetVersion() != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := served("geo/x"); err == nil {
		t.Error("a version that is no number")
	}
}
