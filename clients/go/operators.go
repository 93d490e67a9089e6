package penstock

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// What streams and tables have in common.

func (o output) then(base string, others ...output) *node {
	return o.topology.add(base, append([]output{o}, others...)...)
}

func (o output) of(n *node) output { return output{o.topology, n, ""} }

func (o output) filter(where string, negate bool) output {
	added := o.then("filter")
	added.message.Operator = &pb.Node_Filter{Filter: &pb.Filter{Where: where, Negate: negate}}
	return o.of(added)
}

func (o output) project(columns []string) output {
	added := o.then("select")
	added.message.Operator = &pb.Node_Select{Select: &pb.Select{Columns: projections(columns)}}
	return o.of(added)
}

// SinkOptions are settings of a sink. The zero value is a topic of the relation's name, in the formats of the source.
type SinkOptions struct {
	Binding *Binding
	// Headers are added to each record: STRING or BYTES expressions by the header's name.
	Headers map[string]string
	// DropHeaders leaves out the headers of the record that caused a row.
	DropHeaders bool
	// Insert writes into a stream that exists.
	Insert bool
	// Name is the node's; empty makes one.
	Name string
}

func (o output) sink(base string, sink *pb.Sink, options SinkOptions) {
	added := o.then(base)
	added.message.Name = options.Name
	if options.Binding != nil {
		sink.Topic = options.Binding.message()
	}
	for _, entry := range sortedTexts(options.Headers) {
		sink.Headers = append(sink.Headers, &pb.Projection{Expression: entry.value, Alias: entry.name})
	}
	sink.DropHeaders, sink.Insert = options.DropHeaders, options.Insert
	added.message.Operator = &pb.Node_Sink{Sink: sink}
}

// To writes to a topic and publishes it as a relation of this name.
func (o output) To(relation string) { o.ToWith(relation, SinkOptions{}) }

// ToWith is To with settings.
func (o output) ToWith(relation string, options SinkOptions) {
	o.sink(nodeName(relation)+"_sink", &pb.Sink{Relation: relation}, options)
}

// ToTopics writes each row to the topic that an expression names. A Binding says the formats; topics that are missing are made unless it has
// MustExist; without one they must exist.
func (o output) ToTopics(expression string, options SinkOptions) {
	o.sink("topics_sink", &pb.Sink{TopicExpression: expression}, options)
}

// GroupBy groups by expressions, or by the present key without any.
func (o output) GroupBy(keys ...string) *Grouped {
	added := o.then("group_by")
	added.message.Operator = &pb.Node_GroupBy{GroupBy: &pb.GroupBy{Keys: projections(keys)}}
	return &Grouped{o.of(added), nil}
}

// Grouped is grouped rows that wait for their aggregate.
type Grouped struct {
	groups output
	window *pb.Window
}

// Named sets the node's name.
func (g *Grouped) Named(name string) *Grouped {
	g.groups.node.message.Name = name
	return g
}

// Window cuts time, such as Tumbling(time.Minute).
func (g *Grouped) Window(window Window) *Grouped { return &Grouped{g.groups, window.message} }

// Fold is a column of an aggregate that expressions fold. They name the group's columns `acc.x`, the row's `row.x` and, where two sessions
// become one, the later session's `other.x`.
type Fold struct {
	// Name is the column's.
	Name string
	// Init is the value without rows, an expression without columns; empty: the group's first row gives it as it is.
	Init string
	// Add is the value with one more row, for each input of a Cogroup in their order; an empty one leaves it.
	Add []string
	// Undo is the value without a row, needed for tables; Merge of two sessions, needed for session windows.
	Undo, Merge string
}

// Aggregate folds each group by aggregate expressions, such as "SUM(price) AS total".
func (g *Grouped) Aggregate(columns ...string) *Table {
	return g.AggregateWith(columns, AggregateOptions{})
}

// AggregateOptions are settings of an aggregate.
type AggregateOptions struct {
	// Folds are columns behind the aggregate expressions.
	Folds []Fold
	// Final lets windows leave once, when they are closed, instead of with each change.
	Final bool
	// Others are further grouped streams, whose rows the Folds take too: a cogroup. The window is the first one's.
	Others []*Grouped
}

// AggregateWith is Aggregate with settings; columns may be empty when there are folds.
func (g *Grouped) AggregateWith(columns []string, options AggregateOptions) *Table {
	base := "aggregate"
	var others []output
	for _, other := range options.Others {
		base = "cogroup"
		others = append(others, other.groups)
	}
	message := &pb.Aggregate{Columns: projections(columns), Window: g.window}
	if options.Final {
		message.Emit = pb.Emit_EMIT_FINAL
	}
	for _, fold := range options.Folds {
		message.Accumulators = append(message.Accumulators, &pb.Accumulator{
			Name: fold.Name, Init: fold.Init, Add: fold.Add, Undo: fold.Undo, Merge: fold.Merge,
		})
	}
	added := g.groups.then(base, others...)
	added.message.Operator = &pb.Node_Aggregate{Aggregate: message}
	return &Table{g.groups.of(added)}
}

// Count counts the rows of each group.
func (g *Grouped) Count() *Table { return g.Aggregate("COUNT(*) AS COUNT") }

// Window cuts time for an aggregate.
type Window struct{ message *pb.Window }

// Tumbling is windows of a fixed size without gaps.
func Tumbling(size time.Duration) Window {
	return Window{&pb.Window{Kind: pb.WindowKind_WINDOW_KIND_TUMBLING, Size: durationpb.New(size)}}
}

// Hopping is windows of a fixed size that begin at every multiple of the advance: a record lies in several.
func Hopping(size, advance time.Duration) Window {
	return Window{&pb.Window{Kind: pb.WindowKind_WINDOW_KIND_HOPPING, Size: durationpb.New(size), Advance: durationpb.New(advance)}}
}

// Sliding is windows of records that are no further apart than the size; both ends belong to them.
func Sliding(size time.Duration) Window {
	return Window{&pb.Window{Kind: pb.WindowKind_WINDOW_KIND_SLIDING, Size: durationpb.New(size)}}
}

// Sessions are windows of records that follow each other within the gap.
func Sessions(gap time.Duration) Window {
	return Window{&pb.Window{Kind: pb.WindowKind_WINDOW_KIND_SESSION, Gap: durationpb.New(gap)}}
}

// Grace is how late a record may be.
func (w Window) Grace(grace time.Duration) Window {
	return w.with(durationpb.New(grace), w.message.GetRetention())
}

// Retention is how long a window can be looked up.
func (w Window) Retention(retention time.Duration) Window {
	return w.with(w.message.GetGrace(), durationpb.New(retention))
}

func (w Window) with(grace, retention *durationpb.Duration) Window {
	m := w.message
	return Window{&pb.Window{
		Kind: m.GetKind(), Size: m.GetSize(), Advance: m.GetAdvance(), Gap: m.GetGap(), Grace: grace, Retention: retention,
	}}
}
