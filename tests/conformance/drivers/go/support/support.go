// Package support is what scenarios in Go share: a client, names, the runner's ear, and values as facts have them.
package support

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"time"

	"penstock.dev/client-go"
)

// Facts are what a scenario finds, or what the runner is asked and answers.
type Facts = map[string]any

// Run is one run of a scenario.
type Run struct {
	// Settings are those of a secured node.
	Settings map[string]string

	address, prefix string
	clients         []*penstock.Client
	input           *bufio.Reader
}

// NewRun begins a run.
func NewRun(address, prefix string, settings map[string]string) *Run {
	return &Run{Settings: settings, address: address, prefix: prefix, input: bufio.NewReader(os.Stdin)}
}

// Connect is one more client, closed at the end.
func (r *Run) Connect(options ...penstock.Option) *penstock.Client {
	client := Must(penstock.New(r.address, options...))
	r.clients = append(r.clients, client)
	return client
}

// Client is the first client.
func (r *Run) Client() *penstock.Client {
	if len(r.clients) == 0 {
		return r.Connect()
	}
	return r.clients[0]
}

// Name is a name of this run's own.
func (r *Run) Name(base string) string { return r.prefix + base }

// Ask has the runner do something; its answer.
func (r *Run) Ask(what string, more Facts) Facts {
	said := Facts{"ask": what}
	for name, value := range more {
		said[name] = value
	}
	r.Say(said)
	answer := Facts{}
	Check(json.Unmarshal(Must(r.input.ReadBytes('\n')), &answer))
	return answer
}

// Serve starts a worker with these handlers; what is returned stops it.
func (r *Run) Serve(ctx context.Context, handlers map[string]penstock.Handler) func() {
	return r.serve(ctx, penstock.Worker{Handlers: handlers})
}

// ServeFunctions starts a worker with these functions; what is returned stops it.
func (r *Run) ServeFunctions(ctx context.Context, functions map[string]penstock.BatchFunc) func() {
	return r.serve(ctx, penstock.Worker{Functions: functions})
}

func (r *Run) serve(ctx context.Context, worker penstock.Worker) func() {
	working, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	worker.Addresses = []string{r.address}
	go func() { ended <- worker.Run(working) }()
	return func() {
		cancel()
		Check(<-ended)
	}
}

// Say writes one line to the runner.
func (r *Run) Say(line Facts) { Check(json.NewEncoder(os.Stdout).Encode(line)) }

// Close closes the clients.
func (r *Run) Close() {
	for _, client := range r.clients {
		Check(client.Close()) // also one that a scenario has closed
	}
}

// Must is the value of a call that may not fail.
func Must[T any](value T, err error) T {
	Check(err)
	return value
}

// Check ends the scenario with an error.
func Check(err error) {
	if err != nil {
		panic(err)
	}
}

// Reason is why a call failed; OK when it did not.
func Reason[T any](_ T, err error) string {
	var unreachable *penstock.UnreachableError
	var failure *penstock.Error
	switch {
	case err == nil:
		return "OK"
	case errors.Is(err, penstock.ErrClosed):
		return "CLOSED"
	case errors.As(err, &unreachable):
		return "UNREACHABLE"
	case errors.As(err, &failure):
		return string(failure.Reason)
	}
	return "REJECTED" // before anything was sent
}

// All is everything that an iterator gives.
func All(rows iter.Seq2[*penstock.Row, error]) []*penstock.Row {
	out := []*penstock.Row{}
	for row, err := range rows {
		out = append(out, Must(row, err))
	}
	return out
}

// First is the first that an iterator gives.
func First(rows iter.Seq2[*penstock.Row, error]) *penstock.Row {
	for row, err := range rows {
		return Must(row, err)
	}
	panic("no row came")
}

// Column is the values of one column.
func Column(rows []*penstock.Row, name string) []any {
	out := []any{}
	for _, row := range rows {
		value, there := row.Value(name)
		if !there {
			panic("no column " + name)
		}
		out = append(out, value)
	}
	return out
}

// InOrder says whether values count from 0.
func InOrder(values []any) bool {
	for place, value := range values {
		if value != any(int32(place)) {
			return false
		}
	}
	return true
}

// ByKey is rows by their column k.
func ByKey(rows []*penstock.Row) Facts {
	out := Facts{}
	for _, row := range rows {
		out[fmt.Sprint(Cells(row)["k"])] = Cells(row)
	}
	return out
}

// Cells is a row as facts have it, META columns left out.
func Cells(row *penstock.Row) Facts {
	out := Facts{}
	for place, column := range row.Schema().Columns {
		if column.Role != penstock.RoleMeta {
			out[column.Name] = plain(column.Type, row.Values()[place])
		}
	}
	return out
}

// plain is a value as facts have it.
func plain(of *penstock.Type, value any) any {
	switch value := value.(type) {
	case int64:
		return fmt.Sprint(value)
	case float64:
		switch {
		case math.IsNaN(value):
			return "NaN"
		case math.IsInf(value, 1):
			return "Infinity"
		case math.IsInf(value, -1):
			return "-Infinity"
		}
	case []byte:
		return base64.StdEncoding.EncodeToString(value)
	case time.Time:
		return value.Format("2006-01-02T15:04:05.000Z")
	case penstock.TimeOfDay:
		return time.Time{}.Add(time.Duration(value)).Format("15:04:05.000")
	case []any:
		out := []any{}
		for _, one := range value {
			out = append(out, plain(of.Element, one))
		}
		return out
	case map[string]any:
		out := Facts{}
		if of.Kind == penstock.KindMap {
			for name, one := range value {
				out[name] = plain(of.Element, one)
			}
			return out
		}
		for _, field := range of.Fields {
			out[field.Name] = plain(field.Type, value[field.Name])
		}
		return out
	}
	return value
}
