// The Go driver: runs one scenario, or prints those that it has. See README.md.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"penstock.dev/conformance/drivers/go/support"

	appendexactlyonce "penstock.dev/conformance/scenarios/append_exactly_once"
	appendjson "penstock.dev/conformance/scenarios/append_json"
	appendskipinvalid "penstock.dev/conformance/scenarios/append_skip_invalid"
	appendersurvivesakill "penstock.dev/conformance/scenarios/appender_survives_a_kill"
	cancellation "penstock.dev/conformance/scenarios/cancellation"
	closedclient "penstock.dev/conformance/scenarios/closed_client"
	clusterandfunctions "penstock.dev/conformance/scenarios/cluster_and_functions"
	deadletters "penstock.dev/conformance/scenarios/dead_letters"
	deadline "penstock.dev/conformance/scenarios/deadline"
	declareanddescribe "penstock.dev/conformance/scenarios/declare_and_describe"
	errorsofcalls "penstock.dev/conformance/scenarios/errors_of_calls"
	errorsofdefinitions "penstock.dev/conformance/scenarios/errors_of_definitions"
	errorsofresuming "penstock.dev/conformance/scenarios/errors_of_resuming"
	errorsofstate "penstock.dev/conformance/scenarios/errors_of_state"
	errorsofstatements "penstock.dev/conformance/scenarios/errors_of_statements"
	everyreason "penstock.dev/conformance/scenarios/every_reason"
	explain "penstock.dev/conformance/scenarios/explain"
	largebatches "penstock.dev/conformance/scenarios/large_batches"
	limitednode "penstock.dev/conformance/scenarios/limited_node"
	lookupbatchget "penstock.dev/conformance/scenarios/lookup_batch_get"
	lookupwindows "penstock.dev/conformance/scenarios/lookup_windows"
	positionnotreached "penstock.dev/conformance/scenarios/position_not_reached"
	positionofastream "penstock.dev/conformance/scenarios/position_of_a_stream"
	processorbadrows "penstock.dev/conformance/scenarios/processor_bad_rows"
	processorexactlyonce "penstock.dev/conformance/scenarios/processor_exactly_once"
	processortimers "penstock.dev/conformance/scenarios/processor_timers"
	producerfenced "penstock.dev/conformance/scenarios/producer_fenced"
	readyourwrites "penstock.dev/conformance/scenarios/read_your_writes"
	reconnectstorm "penstock.dev/conformance/scenarios/reconnect_storm"
	registrybackup "penstock.dev/conformance/scenarios/registry_backup"
	remotefunctions "penstock.dev/conformance/scenarios/remote_functions"
	renewedtoken "penstock.dev/conformance/scenarios/renewed_token"
	resumeafterakill "penstock.dev/conformance/scenarios/resume_after_a_kill"
	resumefromastoredposition "penstock.dev/conformance/scenarios/resume_from_a_stored_position"
	retireanode "penstock.dev/conformance/scenarios/retire_a_node"
	scanconditions "penstock.dev/conformance/scenarios/scan_conditions"
	scanthensubscribe "penstock.dev/conformance/scenarios/scan_then_subscribe"
	secured "penstock.dev/conformance/scenarios/secured"
	slowreader "penstock.dev/conformance/scenarios/slow_reader"
	sqlqueries "penstock.dev/conformance/scenarios/sql_queries"
	sqlstatements "penstock.dev/conformance/scenarios/sql_statements"
	subscribebounded "penstock.dev/conformance/scenarios/subscribe_bounded"
	subscribefilteredtable "penstock.dev/conformance/scenarios/subscribe_filtered_table"
	subscribesnapshot "penstock.dev/conformance/scenarios/subscribe_snapshot"
	topologylifecycle "penstock.dev/conformance/scenarios/topology_lifecycle"
	topologyupdate "penstock.dev/conformance/scenarios/topology_update"
	typesnested "penstock.dev/conformance/scenarios/types_nested"
	typesscalar "penstock.dev/conformance/scenarios/types_scalar"
	unreachable "penstock.dev/conformance/scenarios/unreachable"
)

var scenarios = map[string]func(context.Context, *support.Run) support.Facts{
	"append_exactly_once":           appendexactlyonce.Scenario,
	"append_json":                   appendjson.Scenario,
	"append_skip_invalid":           appendskipinvalid.Scenario,
	"appender_survives_a_kill":      appendersurvivesakill.Scenario,
	"cancellation":                  cancellation.Scenario,
	"closed_client":                 closedclient.Scenario,
	"cluster_and_functions":         clusterandfunctions.Scenario,
	"dead_letters":                  deadletters.Scenario,
	"deadline":                      deadline.Scenario,
	"declare_and_describe":          declareanddescribe.Scenario,
	"errors_of_calls":               errorsofcalls.Scenario,
	"errors_of_definitions":         errorsofdefinitions.Scenario,
	"errors_of_resuming":            errorsofresuming.Scenario,
	"errors_of_state":               errorsofstate.Scenario,
	"errors_of_statements":          errorsofstatements.Scenario,
	"every_reason":                  everyreason.Scenario,
	"explain":                       explain.Scenario,
	"large_batches":                 largebatches.Scenario,
	"limited_node":                  limitednode.Scenario,
	"lookup_batch_get":              lookupbatchget.Scenario,
	"lookup_windows":                lookupwindows.Scenario,
	"position_not_reached":          positionnotreached.Scenario,
	"position_of_a_stream":          positionofastream.Scenario,
	"processor_bad_rows":            processorbadrows.Scenario,
	"processor_exactly_once":        processorexactlyonce.Scenario,
	"processor_timers":              processortimers.Scenario,
	"producer_fenced":               producerfenced.Scenario,
	"read_your_writes":              readyourwrites.Scenario,
	"reconnect_storm":               reconnectstorm.Scenario,
	"registry_backup":               registrybackup.Scenario,
	"remote_functions":              remotefunctions.Scenario,
	"renewed_token":                 renewedtoken.Scenario,
	"resume_after_a_kill":           resumeafterakill.Scenario,
	"resume_from_a_stored_position": resumefromastoredposition.Scenario,
	"retire_a_node":                 retireanode.Scenario,
	"scan_conditions":               scanconditions.Scenario,
	"scan_then_subscribe":           scanthensubscribe.Scenario,
	"secured":                       secured.Scenario,
	"slow_reader":                   slowreader.Scenario,
	"sql_queries":                   sqlqueries.Scenario,
	"sql_statements":                sqlstatements.Scenario,
	"subscribe_bounded":             subscribebounded.Scenario,
	"subscribe_filtered_table":      subscribefilteredtable.Scenario,
	"subscribe_snapshot":            subscribesnapshot.Scenario,
	"topology_lifecycle":            topologylifecycle.Scenario,
	"topology_update":               topologyupdate.Scenario,
	"types_nested":                  typesnested.Scenario,
	"types_scalar":                  typesscalar.Scenario,
	"unreachable":                   unreachable.Scenario,
}

func main() {
	if len(os.Args) < 4 {
		names := slices.Sorted(maps.Keys(scenarios))
		support.Check(json.NewEncoder(os.Stdout).Encode(names))
		return
	}
	scenario := scenarios[os.Args[1]]
	if scenario == nil {
		fmt.Fprintln(os.Stderr, "there is no scenario", os.Args[1])
		os.Exit(2)
	}
	settings := map[string]string{}
	for _, one := range os.Args[4:] {
		name, value, _ := strings.Cut(one, "=")
		settings[name] = value
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	run := support.NewRun(os.Args[2], os.Args[3], settings)
	defer run.Close()
	run.Say(support.Facts{"facts": scenario(ctx, run)})
}
