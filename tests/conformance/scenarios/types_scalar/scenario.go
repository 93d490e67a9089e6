// Package scenario: Every scalar type comes back, extremes too: see spec.md.
package scenario

import (
	"context"
	"math"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	table := run.Name("t")
	Must(client.CreateStream(ctx, table, `k INT KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, p DECIMAL(38, 10), s STRING, y BYTES, da DATE, ti TIME,
		ts TIMESTAMP`, penstock.Binding{}))
	most := "9999999999999999999999999999.9999999999"
	last := time.Date(9999, time.December, 31, 23, 59, 59, 999e6, time.UTC)
	Must(client.Append(ctx, table, penstock.Rows{
		{
			"k": 1, "b": true, "i": math.MaxInt32, "l": int64(math.MaxInt64), "d": math.MaxFloat64, "p": most, "s": "\x00 é 😀",
			"y": []byte{0, 255}, "da": penstock.DateOf(last), "ti": penstock.Clock(23, 59, 59, 999), "ts": last,
		},
		{
			"k": 2, "b": false, "i": math.MinInt32, "l": int64(math.MinInt64), "d": math.SmallestNonzeroFloat64, "p": "-" + most, "s": "x",
			"y": []byte{0}, "da": penstock.Date{Year: 1582, Month: time.October, Day: 15}, "ti": penstock.Clock(0, 0, 0, 0), "ts": time.UnixMilli(-1),
		},
		{"k": 3},
		{
			"k": 4, "b": false, "i": 0, "l": 0, "d": 0, "p": 0, "s": "", "y": []byte{}, "da": penstock.Date{Year: 1970, Month: time.January, Day: 1},
			"ti": penstock.Clock(0, 0, 0, 1), "ts": time.UnixMilli(1),
		},
	}))
	return ByKey(All(client.Subscribe(ctx, table, penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows()))
}
