// Package scenario: Every reason has its error, and only what is unavailable is asked again: see spec.md.
package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

var codes = map[string]string{"NotFound": "NOT_FOUND", "DeadlineExceeded": "DEADLINE_EXCEEDED", "OutOfRange": "OUT_OF_RANGE", "FailedPrecondition": "FAILED_PRECONDITION",
	"InvalidArgument": "INVALID_ARGUMENT", "Unimplemented": "UNIMPLEMENTED", "AlreadyExists": "ALREADY_EXISTS", "Aborted": "ABORTED", "ResourceExhausted": "RESOURCE_EXHAUSTED",
	"Unavailable": "UNAVAILABLE", "Unauthenticated": "UNAUTHENTICATED", "PermissionDenied": "PERMISSION_DENIED", "Internal": "INTERNAL"}

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Connect(penstock.WithRetry(penstock.Retry{Attempts: 2, First: time.Millisecond, Longest: time.Millisecond}))
	found := map[string]string{}
	untyped, other, placed, later, repeated := []string{}, []string{}, []string{}, []string{}, []string{}
	names := []string{}
	for _, name := range run.Ask("reasons", nil)["reasons"].([]any) {
		names = append(names, name.(string))
	}
	for _, name := range names {
		_, err := client.Topology(ctx, name)
		var failure *penstock.Error
		if !errors.As(err, &failure) {
			continue
		}
		found[name] = codes[failure.Code.String()]
		if !strings.EqualFold(fmt.Sprintf("%T", err), "*penstock."+strings.ReplaceAll(name, "_", "")+"Error") {
			untyped = append(untyped, name)
		}
		if string(failure.Reason) != name || failure.Message != "refused: "+name || failure.Metadata["topology"] != name {
			other = append(other, name)
		}
		if place := failure.Expression; place != nil && place.Field == "name" && place.Node == "n" && place.Start == 3 && place.End == 5 {
			placed = append(placed, name)
		}
		if failure.RetryAfter == 20*time.Millisecond {
			later = append(later, name)
		}
	}
	calls := run.Ask("calls", nil)["calls"].(map[string]any)
	for _, name := range names {
		if calls[name] == 2.0 {
			repeated = append(repeated, name)
		}
	}
	return Facts{"codes": found, "untyped": untyped, "other": other, "placed": placed, "later": later, "repeated": repeated}
}
