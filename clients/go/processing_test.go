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
