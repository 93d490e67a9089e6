package penstock

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Handler computes the bundles of a remote processor in this program: a RowFunc, or something of its own, which is faster for simple work on
// whole bundles. Whatever it does for a bundle is committed together with the bundle's rows, or not at all, so a bundle may be seen more than
// once: keep nothing that counts outside of it.
type Handler interface {
	// ProcessBundle calls Put and Send. An error fails the whole bundle, which is tried again, unless it is a *BadRows.
	ProcessBundle(bundle *Bundle) error
}

// ErrRetryBundle, wrapped or as it is, says in a RowFunc that the rows are not to blame: the whole bundle comes again after a while.
var ErrRetryBundle = errors.New("the handler asked for another try")

// BadRows says which rows and timers of a bundle cannot be processed: they become dead letters, and the others are sent again without them.
type BadRows struct {
	Rows   []int
	Reason string
	Timers []int
}

// add notes that one failed; the error when it says that none is to blame.
func (b *BadRows) add(err error, to *[]int, place int) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrRetryBundle) {
		return err
	}
	if *to = append(*to, place); b.Reason == "" {
		b.Reason = err.Error()
	}
	return nil
}

// orNil is nil when none failed.
func (b *BadRows) orNil() error {
	if len(b.Rows) > 0 || len(b.Timers) > 0 {
		return b
	}
	return nil
}

// rows calls a function with each row of a bundle.
func (b *BadRows) rows(f RowFunc, bundle *Bundle) error {
	for place, key := range bundle.keys() {
		if fatal := b.add(f.call(bundle.Rows.Row(place), &RowContext{bundle, place, key}), &b.Rows, place); fatal != nil {
			return fatal
		}
	}
	return b.orNil()
}

func (b *BadRows) Error() string { return b.Reason }

// RowFunc is called with each row. A row for which it gives an error, or panics, is a bad one.
type RowFunc func(row *Row, context *RowContext) error

// ProcessBundle calls the function with each row.
func (f RowFunc) ProcessBundle(bundle *Bundle) error {
	if len(bundle.Timers) > 0 {
		return errors.New("the handler fires no timers: make it a Timed")
	}
	return (&BadRows{}).rows(f, bundle)
}

func (f RowFunc) call(row *Row, context *RowContext) (err error) {
	defer recovered(&err)
	return f(row, context)
}

// recovered makes an error of a panic: a program that ended there would meet the same row again and again.
func recovered(err *error) {
	if panicked := recover(); panicked != nil {
		*err = fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
	}
}

// RowContext is what a RowFunc sees besides its row.
type RowContext struct {
	bundle *Bundle
	place  int
	key    Key
}

// Node is topology, node, config and columns.
func (c *RowContext) Node() *ProcessorNode { return c.bundle.Node }

// Key is the values of the row's key columns.
func (c *RowContext) Key() Key { return c.key }

// State is the row of this key in a store, by column; nil when there is none.
func (c *RowContext) State(store string) map[string]any { return c.bundle.State(store, c.key) }

// Put sets the row of this key in a store; nil deletes it.
func (c *RowContext) Put(store string, row map[string]any) { c.bundle.Put(store, c.key, row) }

// Send gives a row to an output; nil sends a null value. Key columns that it does not name are those of the row that is processed.
func (c *RowContext) Send(output string, row map[string]any) {
	c.bundle.Send(output, row, c.place, SendOptions{})
}

// SendWith is Send with settings.
func (c *RowContext) SendWith(output string, row map[string]any, options SendOptions) {
	c.bundle.Send(output, row, c.place, options)
}

// SendOptions are settings of a sent row.
type SendOptions struct {
	// Key are key columns, for a null value too.
	Key map[string]any
	// Timestamp is the ROWTIME; zero is that of the row that caused it.
	Timestamp time.Time
}

// ProcessorNode is what the service tells of a remote processor. Outputs and Stores are by name; rows of both are key columns first.
type ProcessorNode struct {
	Topology, Node, Processor string
	Config                    map[string]string
	Input                     *RowSchema
	Outputs, Stores           map[string]*RowSchema
	// TimerKeys are the key columns, when it has timers.
	TimerKeys *RowSchema

	function string // `NAME/version`, of what is called
	keys     []int  // places of the key columns in Input
}

func (n *ProcessorNode) findKeys() {
	for place, column := range n.Input.Columns {
		if column.Role == RoleKey {
			n.keys = append(n.keys, place)
		}
	}
}

func processorNode(message *pb.ProcessorNode) (*ProcessorNode, error) {
	node := &ProcessorNode{
		Topology: message.GetTopology(), Node: message.GetNode(), Processor: message.GetProcessor(), Config: message.GetConfig(),
		Outputs: map[string]*RowSchema{}, Stores: map[string]*RowSchema{},
	}
	var err error
	if node.Input, err = schemaOf(message.GetInput()); err != nil {
		return nil, err
	}
	for _, output := range message.GetOutputs() {
		if node.Outputs[output.GetName()], err = schemaOf(output.GetSchema()); err != nil {
			return nil, err
		}
	}
	for _, store := range message.GetStores() {
		if node.Stores[store.GetName()], err = schemaOf(store.GetSchema()); err != nil {
			return nil, err
		}
	}
	if message.GetTimerKeys() != nil {
		if node.TimerKeys, err = schemaOf(message.GetTimerKeys()); err != nil {
			return nil, err
		}
	}
	if called := message.GetFunction(); called != nil {
		node.function = fmt.Sprintf("%s/%d", called.GetName(), called.GetVersion())
	}
	node.findKeys()
	return node, nil
}

// Bundle is timers that are due and rows of one partition in order, the state of their keys, and what comes of them.
type Bundle struct {
	Node *ProcessorNode
	// Timers are in order of time; they are fired before the rows, and gone then.
	Timers []Timer
	// Rows are the input rows; a deleted one has a null value. Their last column is ROWTIME.
	Rows      *Batch
	Partition int
	// Attempt is 1, and more when the bundle was given out before.
	Attempt int

	before map[string]map[string]map[string]any // by store and key
	after  map[string]*changes
	sent   map[string][]sentRow
	blocks map[string]*sentColumns // by output; what is here is not in sent
	timers []changedTimer
	wrong  error // the first mistake of the handler
}

// changes are the rows of a store that were put, in the order of their keys' first.
type changes struct {
	places map[string]int
	rows   []changedRow
}

type changedRow struct {
	key Key
	row map[string]any // nil: deleted
}

type sentRow struct {
	cause   int            // less than 0: of the timers
	row     map[string]any // nil: a null value
	options SendOptions
}

func bundleOf(node *ProcessorNode, message *pb.Bundle) (*Bundle, error) {
	rows, err := batchOf(node.Input, message.GetRows(), "", false)
	if err != nil {
		return nil, err
	}
	bundle := newBundle(node, rows)
	bundle.Partition, bundle.Attempt = int(message.GetPartition()), int(message.GetAttempt())
	if bundle.Timers, err = timersOf(node, message.GetTimers()); err != nil {
		return nil, err
	}
	for _, named := range message.GetState() {
		schema := node.Stores[named.GetName()]
		if schema == nil {
			return nil, fmt.Errorf("penstock: %s has no store %s", node.Node, named.GetName())
		}
		state, err := batchOf(schema, named.GetRows(), "", false)
		if err != nil {
			return nil, err
		}
		bundle.before[named.GetName()] = byKey(state, len(node.keys))
	}
	return bundle, nil
}

func newBundle(node *ProcessorNode, rows *Batch) *Bundle {
	return &Bundle{
		Node: node, Rows: rows, Attempt: 1,
		before: map[string]map[string]map[string]any{}, after: map[string]*changes{}, sent: map[string][]sentRow{},
		blocks: map[string]*sentColumns{},
	}
}

// byKey is a store's rows by their key, which is their first columns.
func byKey(rows *Batch, keys int) map[string]map[string]any {
	out := make(map[string]map[string]any, rows.Len())
	for row := range rows.Rows() {
		out[identity(row.Values()[:keys])] = row.Map()
	}
	return out
}

// identity is a text that is equal for equal keys.
func identity(key Key) string {
	if len(key) == 1 {
		switch value := key[0].(type) {
		case string:
			return value
		case int64:
			return strconv.FormatInt(value, 10)
		}
	}
	values := make([]any, len(key))
	for i, value := range key {
		values[i] = plain(reflect.ValueOf(value))
	}
	return fmt.Sprintf("%#v", values)
}

// keys are the keys of the rows.
func (b *Bundle) keys() []Key {
	out := make([]Key, b.Rows.Len())
	for place := range out {
		out[place] = b.Key(place)
	}
	return out
}

// Key is the key of a row, by its place; less than 0 counts the timers from their end.
func (b *Bundle) Key(place int) Key {
	if place < 0 {
		return b.Timers[len(b.Timers)+place].Key
	}
	key := make(Key, len(b.Node.keys))
	for i, column := range b.Node.keys {
		key[i] = b.Rows.columns[column].at(place)
	}
	return key
}

// State is the row of a key in a store as this bundle has left it so far, by column; nil when there is none.
func (b *Bundle) State(store string, key Key) map[string]any {
	if b.Node.Stores[store] == nil {
		b.mistake("%s has no store %s", b.Node.Node, store)
		return nil
	}
	id := identity(key)
	if changed := b.after[store]; changed != nil {
		if place, there := changed.places[id]; there {
			return changed.rows[place].row
		}
	}
	return b.before[store][id]
}

// Put sets the row of a key in a store; nil deletes it. The key must be one of the bundle's rows.
func (b *Bundle) Put(store string, key Key, row map[string]any) {
	schema := b.Node.Stores[store]
	if schema == nil {
		b.mistake("%s has no store %s", b.Node.Node, store)
		return
	}
	if row != nil {
		row = b.named(schema, "store "+store, row)
		for i := range b.Node.keys {
			row[schema.Columns[i].Name] = key[i]
		}
	}
	changed := b.after[store]
	if changed == nil {
		changed = &changes{places: map[string]int{}}
		b.after[store] = changed
	}
	id := identity(key)
	if place, there := changed.places[id]; there {
		changed.rows[place].row = row
		return
	}
	changed.places[id] = len(changed.rows)
	changed.rows = append(changed.rows, changedRow{key, row})
}

// Send gives a row to an output; nil sends a null value. cause is the place of the row that caused it, whose key columns it has where it names no
// others; less than 0 counts the timers from their end.
func (b *Bundle) Send(output string, row map[string]any, cause int, options SendOptions) {
	schema := b.Node.Outputs[output]
	if schema == nil {
		b.mistake("%s has no output %s", b.Node.Node, output)
		return
	}
	if !b.causes(cause) {
		return
	}
	b.spread(output)
	if row != nil {
		row = b.named(schema, "output "+output, row)
	}
	if options.Key != nil {
		options.Key = b.named(schema, "output "+output, options.Key)
	}
	b.sent[output] = append(b.sent[output], sentRow{cause, row, options})
}

func (b *Bundle) mistake(format string, arguments ...any) {
	if b.wrong == nil {
		b.wrong = fmt.Errorf(format, arguments...)
	}
}

// named is a copy of a row with the columns' own names.
func (b *Bundle) named(schema *RowSchema, what string, row map[string]any) map[string]any {
	out := make(map[string]any, len(row)+len(b.Node.keys))
	for given, value := range row {
		place := schema.Place(given)
		if place < 0 {
			b.mistake("%s has no column %s; it has %s", what, given, schema.names())
			continue
		}
		out[schema.Columns[place].Name] = value
	}
	return out
}

// Sent are the rows of an output in the order of their causes, with all their columns but ROWTIME; nil for a null value. For tests.
func (b *Bundle) Sent(output string) []map[string]any {
	b.spread(output)
	rows, gone := b.complete(output)
	for i := range rows {
		delete(rows[i], "ROWTIME")
		if gone[i] {
			rows[i] = nil
		}
	}
	return rows
}

// complete are the rows of an output with all their columns, and which of them have a null value.
func (b *Bundle) complete(output string) ([]map[string]any, []bool) {
	schema, sent := b.Node.Outputs[output], b.sent[output]
	sort.SliceStable(sent, func(i, j int) bool { return sent[i].cause < sent[j].cause })
	rows, gone := make([]map[string]any, len(sent)), make([]bool, len(sent))
	kept := map[int]string{} // key columns of the output that the cause's key has too, by their place in that
	for place, name := range b.keyNames() {
		if slices.ContainsFunc(schema.Columns, func(c Column) bool { return c.Name == name && c.Role == RoleKey }) {
			kept[place] = name
		}
	}
	for i, one := range sent {
		row := make(map[string]any, len(schema.Columns))
		if len(kept) > 0 {
			key := b.Key(one.cause)
			for place, name := range kept {
				row[name] = key[place]
			}
		}
		for _, given := range []map[string]any{one.options.Key, one.row} {
			for name, value := range given {
				row[name] = value
			}
		}
		for _, column := range schema.Columns {
			if column.Role == RoleMeta && !one.options.Timestamp.IsZero() {
				row[column.Name] = one.options.Timestamp
				if column.Type.Kind == KindBigint {
					row[column.Name] = one.options.Timestamp.UnixMilli()
				}
			}
		}
		rows[i], gone[i] = row, one.row == nil
	}
	return rows, gone
}

func (b *Bundle) keyNames() []string {
	names := make([]string, len(b.Node.keys))
	for i, place := range b.Node.keys {
		names[i] = b.Node.Input.Columns[place].Name
	}
	return names
}

// result is the answer. An error for a value that is not of its column's type.
func (b *Bundle) result(lease, number uint64) (*pb.BundleResult, error) {
	timers, err := b.timersMessage()
	if err != nil {
		return nil, err
	}
	out := &pb.BundleResult{Lease: lease, Bundle: number, Timers: timers}
	for output, block := range b.blocks {
		rows, err := b.rowsOf(output, block)
		if err != nil {
			return nil, err
		}
		out.Outputs = append(out.Outputs, rows)
	}
	for output := range b.sent {
		rows, gone := b.complete(output)
		batch, err := encodeRows(b.Node.Outputs[output], "output "+output, rows, gone)
		if err != nil {
			return nil, err
		}
		causes := make([]uint32, len(rows))
		for i, one := range b.sent[output] {
			causes[i] = uint32(one.cause + len(b.Timers))
		}
		out.Outputs = append(out.Outputs, &pb.OutputRows{Output: output, Rows: batch, Causes: causes})
	}
	for store, changed := range b.after {
		schema := b.Node.Stores[store]
		rows, gone := make([]map[string]any, len(changed.rows)), make([]bool, len(changed.rows))
		for i, one := range changed.rows {
			if rows[i] = one.row; one.row == nil {
				gone[i], rows[i] = true, map[string]any{}
				for place := range b.Node.keys {
					rows[i][schema.Columns[place].Name] = one.key[place]
				}
			}
		}
		batch, err := encodeRows(schema, "store "+store, rows, gone)
		if err != nil {
			return nil, err
		}
		out.State = append(out.State, &pb.NamedRows{Name: store, Rows: batch})
	}
	return out, nil
}
