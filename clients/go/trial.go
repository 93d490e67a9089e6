package penstock

import (
	"fmt"
	"reflect"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Trial tries a handler without a service. Columns, outputs and stores are as in the topology: `NAME TYPE [KEY], ...`; types are not checked.
type Trial struct {
	Columns         string
	Outputs, Stores map[string]string
	Config          map[string]string
	// State are the rows of each store that there are before.
	State map[string]Rows
	// Timers are those that are due.
	Timers []Timer
}

// Run calls a handler with a bundle of rows: the bundle with what came of it, in Sent and State. The handler's error.
func (t Trial) Run(handler Handler, rows Rows) (*Bundle, error) {
	input, err := trialSchema(t.Columns, nil, true)
	if err != nil {
		return nil, err
	}
	node := &ProcessorNode{
		Topology: "trial", Node: "trial", Processor: "trial", Config: t.Config, Input: input,
		Outputs: map[string]*RowSchema{}, Stores: map[string]*RowSchema{},
	}
	node.findKeys()
	var keys []Column
	for _, place := range node.keys {
		keys = append(keys, input.Columns[place])
	}
	for name, columns := range t.Outputs {
		if node.Outputs[name], err = trialSchema(columns, nil, true); err != nil {
			return nil, err
		}
	}
	for name, columns := range t.Stores {
		if node.Stores[name], err = trialSchema(columns, keys, false); err != nil {
			return nil, err
		}
	}
	node.TimerKeys = &RowSchema{Columns: keys}
	batch, err := trialBatch(input, rows)
	if err != nil {
		return nil, err
	}
	bundle := newBundle(node, batch)
	bundle.Timers = t.Timers
	for name, state := range t.State {
		if node.Stores[name] == nil {
			return nil, fmt.Errorf("penstock: there is no store %s", name)
		}
		found, err := trialBatch(node.Stores[name], state)
		if err != nil {
			return nil, err
		}
		bundle.before[name] = byKey(found, len(keys))
	}
	return bundle, process(handler, bundle)
}

// trialSchema is declared columns, key columns first; their types are the service's to know.
func trialSchema(columns string, keys []Column, meta bool) (*RowSchema, error) {
	declared, err := parseColumns(columns)
	if err != nil {
		return nil, err
	}
	out := &RowSchema{Columns: append([]Column{}, keys...)}
	for _, role := range []pb.ColumnRole{pb.ColumnRole_COLUMN_ROLE_KEY, pb.ColumnRole_COLUMN_ROLE_VALUE} {
		for _, column := range declared.GetColumns() {
			if column.GetRole() == role {
				name := map[pb.ColumnRole]Role{pb.ColumnRole_COLUMN_ROLE_KEY: RoleKey, pb.ColumnRole_COLUMN_ROLE_VALUE: RoleValue}[role]
				out.Columns = append(out.Columns, Column{column.GetName(), &Type{Kind: KindString}, name})
			}
		}
	}
	if meta {
		out.Columns = append(out.Columns, Column{"ROWTIME", &Type{Kind: KindBigint}, RoleMeta})
	}
	return out, nil
}

// given is a column of values as they were given.
type given []any

func (g given) at(slot int) any { return g[slot] }

func trialBatch(schema *RowSchema, rows Rows) (*Batch, error) {
	cells := make([]given, len(schema.Columns))
	for i := range cells {
		cells[i] = make(given, len(rows))
	}
	for i, row := range rows {
		for name, value := range row {
			place := schema.Place(name)
			if place < 0 {
				return nil, fmt.Errorf("penstock: row %d: there is no column %s; there are %s", i, name, schema.names())
			}
			cells[place][i] = plain(reflect.ValueOf(value))
		}
	}
	batch := &Batch{Schema: schema, count: len(rows)}
	for _, column := range cells {
		batch.columns = append(batch.columns, column)
	}
	return batch, nil
}
