// The Go client as load.py has Python's.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"penstock.dev/client-go"
)

const warm = 3 * time.Second

func main() {
	what, address, name := os.Args[1], os.Args[2], os.Args[3]
	ctx := context.Background()
	if what == "process" {
		worker := penstock.Worker{Addresses: []string{address}, Handlers: map[string]penstock.Handler{name: numbered{}}, MaxInFlight: 8, Parallel: 1}
		check(worker.Run(ctx))
		return
	}
	client, err := penstock.New(address)
	check(err)
	defer client.Close()
	switch what {
	case "lookup":
		say(lookup(ctx, client, name, number(os.Args[4]), number(os.Args[5]), number(os.Args[6])))
	case "push":
		say(push(ctx, client, name))
	case "stop":
		stop(ctx, client, name)
	}
}

// lookup is point lookups of random users, each caller waiting for its answer before it asks again.
func lookup(ctx context.Context, client *penstock.Client, table string, users, seconds, inFlight int) map[string]any {
	start := time.Now().Add(warm)
	end := start.Add(time.Duration(seconds) * time.Second)
	var mutex sync.Mutex
	var all sync.WaitGroup
	var times []time.Duration
	missing := 0
	for range inFlight {
		all.Go(func() {
			var own []time.Duration
			absent := 0
			for began := time.Now(); began.Before(end); began = time.Now() {
				row, err := client.Get(ctx, table, fmt.Sprintf("u%06d", rand.IntN(users)))
				check(err)
				if began.After(start) {
					own = append(own, time.Since(began))
					if row == nil {
						absent++
					}
				}
			}
			mutex.Lock()
			defer mutex.Unlock()
			times = append(times, own...)
			missing += absent
		})
	}
	time.Sleep(warm)
	before := cpu()
	all.Wait()
	used := cpu() - before
	slices.Sort(times)
	ms := func(at int) float64 { return float64(times[at]) / 1e6 }
	return map[string]any{
		"calls": len(times), "seconds": seconds, "cpu": used, "p50_ms": ms(len(times) / 2), "p99_ms": ms(len(times) * 99 / 100), "missing": missing,
	}
}

// cpu is the seconds that this process has used.
func cpu() float64 {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func push(ctx context.Context, client *penstock.Client, relation string) map[string]any {
	began, rows := time.Now(), 0
	for batch, err := range client.Subscribe(ctx, relation, penstock.From(penstock.Earliest), penstock.UntilEnd()).Batches() {
		check(err)
		rows += batch.Len()
	}
	return map[string]any{"rows": rows, "seconds": time.Since(began).Seconds()}
}

// stop takes one batch and reads no further, until the process is killed.
func stop(ctx context.Context, client *penstock.Client, relation string) {
	for batch, err := range client.Subscribe(ctx, relation, penstock.From(penstock.Earliest)).Batches() {
		check(err)
		say(map[string]any{"rows": batch.Len()})
		_, err = io.Copy(io.Discard, os.Stdin)
		check(err)
		return
	}
}

// numbered is rows with their number in the bundle.
type numbered struct{}

func (numbered) ProcessBundle(bundle *penstock.Bundle) error {
	ids, err := penstock.Cells[int64](bundle.Rows, "id")
	if err != nil {
		return err
	}
	places := make([]int64, len(ids))
	for n := range places {
		places[n] = int64(n)
	}
	bundle.SendColumns("out", map[string]any{"id": ids, "n": places}, nil)
	return nil
}

func say(found map[string]any) { check(json.NewEncoder(os.Stdout).Encode(found)) }

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
