package penstock

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Stream is a stream in a topology.
type Stream struct{ output }

// Named sets the name of the node that gives this stream.
func (s *Stream) Named(name string) *Stream {
	s.node.message.Name = name
	return s
}

func (s *Stream) next(base string, others ...output) (*Stream, *pb.Node) {
	added := s.then(base, others...)
	return &Stream{s.of(added)}, added.message
}

// Filter keeps the rows for which a condition is true.
func (s *Stream) Filter(where string) *Stream { return &Stream{s.filter(where, false)} }

// FilterNot keeps the rows for which a condition is false or null.
func (s *Stream) FilterNot(where string) *Stream { return &Stream{s.filter(where, true)} }

// Select computes the value columns; key columns stay. `*` stands for all.
func (s *Stream) Select(columns ...string) *Stream { return &Stream{s.project(columns)} }

// Explode makes a row of each element of an array: at least one column is EXPLODE(array).
func (s *Stream) Explode(columns ...string) *Stream {
	out, node := s.next("explode")
	node.Operator = &pb.Node_Explode{Explode: &pb.Explode{Columns: projections(columns)}}
	return out
}

// PartitionBy sets a new key.
func (s *Stream) PartitionBy(keys ...string) *Stream {
	out, node := s.next("partition_by")
	node.Operator = &pb.Node_PartitionBy{PartitionBy: &pb.PartitionBy{Keys: projections(keys)}}
	return out
}

// WithoutKey drops the key: its columns become value columns, and rows stay in their partitions.
func (s *Stream) WithoutKey() *Stream {
	out, node := s.next("without_key")
	node.Operator = &pb.Node_PartitionBy{PartitionBy: &pb.PartitionBy{WithoutKey: true}}
	return out
}

// Repartition sends rows through an internal topic with this number of partitions; 0 leaves it to the service.
func (s *Stream) Repartition(partitions uint32) *Stream {
	out, node := s.next("repartition")
	node.Operator = &pb.Node_Repartition{Repartition: &pb.Repartition{Partitions: partitions}}
	return out
}

// Deduplicate drops records of an id (the key, with the given expressions) that are within this time of one that passed. grace is how late a
// record may be; 0 leaves it to the service.
func (s *Stream) Deduplicate(within, grace time.Duration, ids ...string) *Stream {
	out, node := s.next("deduplicate")
	node.Operator = &pb.Node_Deduplicate{
		Deduplicate: &pb.Deduplicate{Within: durationpb.New(within), Ids: ids, Grace: unlessZero(grace)},
	}
	return out
}

// Peek writes some rows to the service's log as they pass, at most so many a second and task; all columns without any.
func (s *Stream) Peek(maxPerSecond uint32, columns ...string) *Stream {
	out, node := s.next("peek")
	node.Operator = &pb.Node_Peek{Peek: &pb.Peek{Columns: projections(columns), MaxPerSecond: maxPerSecond}}
	return out
}

// Merge unites with streams of the same columns.
func (s *Stream) Merge(others ...*Stream) *Stream {
	inputs := make([]output, len(others))
	for i, other := range others {
		inputs[i] = other.output
	}
	out, node := s.next("merge", inputs...)
	node.Operator = &pb.Node_Merge{Merge: &pb.Merge{}}
	return out
}

// Case is one way out of a Branch: the rows for which Where is true. An empty Where takes the rest, and is the last one.
type Case struct{ Name, Where string }

// Branch sends each row to the first case whose condition holds; the outputs in the order of the cases.
func (s *Stream) Branch(cases ...Case) []*Stream {
	added := s.then("branch")
	message := &pb.Branch{}
	outputs := make([]*Stream, len(cases))
	for i, way := range cases {
		if way.Where == "" {
			message.DefaultOutput = way.Name
		} else {
			message.Outputs = append(message.Outputs, &pb.BranchOutput{Name: way.Name, Where: way.Where})
		}
		outputs[i] = &Stream{output{s.topology, added, way.Name}}
	}
	added.message.Operator = &pb.Node_Branch{Branch: message}
	return outputs
}

// Plugin is what Process calls: a plug-in of the service by its name.
type Plugin struct {
	Processor string
	// Outputs are the columns by output, in place of those that the plug-in declares.
	Outputs map[string]string
	Config  map[string]string
	// Others are further inputs: streams and tables.
	Others []Input
}

// Input is a stream or table that a plug-in reads.
type Input interface{ read() output }

func (o output) read() output { return o }

// Process calls a plug-in with the rows of this and other inputs.
func (s *Stream) Process(plugin Plugin) *Processed {
	inputs := make([]output, len(plugin.Others))
	for i, other := range plugin.Others {
		inputs[i] = other.read()
	}
	added := s.then("process", inputs...)
	message := &pb.Processor{Processor: plugin.Processor, Config: plugin.Config}
	for _, declared := range sortedTexts(plugin.Outputs) {
		schema, err := parseColumns(declared.value)
		s.topology.fail(err)
		message.Outputs = append(message.Outputs, &pb.ProcessorOutput{Name: declared.name, Schema: schema})
	}
	added.message.Operator = &pb.Node_Processor{Processor: message}
	return &Processed{s.of(added)}
}

// Processed is a plug-in in a topology. What it keeps is looked up as `topology.node.store`.
type Processed struct{ processed output }

// Named sets the node's name.
func (p *Processed) Named(name string) *Processed {
	p.processed.node.message.Name = name
	return p
}

// Output is one of its outputs.
func (p *Processed) Output(name string) *Stream {
	return &Stream{output{p.processed.topology, p.processed.node, name}}
}

// JoinKind is which unmatched rows a join keeps.
type JoinKind = pb.JoinKind

// The kinds of joins.
const (
	Inner = pb.JoinKind_JOIN_KIND_INNER
	Left  = pb.JoinKind_JOIN_KIND_LEFT
	Right = pb.JoinKind_JOIN_KIND_RIGHT
	Full  = pb.JoinKind_JOIN_KIND_FULL
)

// StreamJoin is how two streams are joined.
type StreamJoin struct {
	// Kind is Inner unless it is set.
	Kind JoinKind
	// Before and After are how much older and newer the other row may be.
	Before, After time.Duration
	// Grace is how late either may come; nil leaves it to the service.
	Grace *time.Duration
	// Eager lets an unmatched row that stays leave at once, and once more for every row that it meets later.
	Eager bool
}

// Within is rows that are at most this far apart.
func Within(span time.Duration) StreamJoin { return StreamJoin{Before: span, After: span} }

// JoinStream joins rows of the same key that are near in time. Without columns the result has all of both, as INPUT_COLUMN.
func (s *Stream) JoinStream(other *Stream, how StreamJoin, columns ...string) *Stream {
	out, node := s.next("join", other.output)
	node.Operator = &pb.Node_StreamStreamJoin{StreamStreamJoin: &pb.StreamStreamJoin{
		Kind: how.Kind, Before: durationpb.New(how.Before), After: durationpb.New(how.After), Grace: optional(how.Grace),
		Columns: projections(columns), Eager: how.Eager,
	}}
	return out
}

// Join joins the table's row of the same key; rows without one are dropped.
func (s *Stream) Join(table *Table, columns ...string) *Stream {
	return s.JoinTable(table, Inner, 0, columns...)
}

// LeftJoin is Join; without such a row the table's columns are null.
func (s *Stream) LeftJoin(table *Table, columns ...string) *Stream {
	return s.JoinTable(table, Left, 0, columns...)
}

// JoinTable is Join of a kind. grace is how long rows wait for late ones of a versioned table; 0 not at all.
func (s *Stream) JoinTable(table *Table, kind JoinKind, grace time.Duration, columns ...string) *Stream {
	out, node := s.next("join", table.output)
	node.Operator = &pb.Node_StreamTableJoin{
		StreamTableJoin: &pb.StreamTableJoin{Kind: kind, Grace: unlessZero(grace), Columns: projections(columns)},
	}
	return out
}

// JoinGlobal joins the row of a global table that keys name: expressions over this stream's row, without any its key.
func (s *Stream) JoinGlobal(table *GlobalTable, kind JoinKind, keys []string, columns ...string) *Stream {
	out, node := s.next("join", table.whole)
	node.Operator = &pb.Node_StreamGlobalJoin{
		StreamGlobalJoin: &pb.StreamGlobalJoin{Kind: kind, Keys: keys, Columns: projections(columns)},
	}
	return out
}

// ToTable reads the stream as changes: the newest row of each key. history keeps earlier rows that long; 0 keeps none.
func (s *Stream) ToTable(history time.Duration) *Table {
	added := s.then("to_table")
	added.message.Operator = &pb.Node_ToTable{ToTable: &pb.ToTable{History: unlessZero(history)}}
	return &Table{s.of(added)}
}

type namedText struct{ name, value string }

// sortedTexts is a map's entries by name, so that equal definitions have equal messages.
func sortedTexts(texts map[string]string) []namedText {
	out := make([]namedText, 0, len(texts))
	for name, value := range texts {
		out = append(out, namedText{name, value})
	}
	slices.SortFunc(out, func(a, b namedText) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return out
}
