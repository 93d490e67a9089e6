package penstock

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Topology is a dataflow under construction, in the manner of the Kafka Streams DSL. Each call on its streams and tables adds one node and gives
// a handle on its output; nothing is checked before the service sees it.
//
// Expressions are SQL text; where columns are computed, `price * 2 AS double_price` names one. Node names, by which state is kept across changes
// of the topology, are made from the operator and its number among its kind; Named sets one.
type Topology struct {
	// Settings and Labels are sent as they are; nil leaves the service's defaults.
	Settings *pb.TopologySettings
	Labels   map[string]string

	name  string
	nodes []*node
	err   error // the first mistake that the builder itself found
}

// node is one node; names are settled when the message is made.
type node struct {
	message *pb.Node
	base    string // the name, with a number where it is not the first, if message has none
	inputs  []output
}

// output is an output of a node, by which the next one reads it.
type output struct {
	topology *Topology
	node     *node
	port     string // of a Branch or Process, else empty
}

// NewTopology begins a topology.
func NewTopology(name string) *Topology { return &Topology{name: name} }

// Name is the topology's name.
func (t *Topology) Name() string { return t.name }

// Message is the definition so far; building may go on after it.
func (t *Topology) Message() (*pb.Topology, error) {
	if t.err != nil {
		return nil, t.err
	}
	out := &pb.Topology{Name: t.name, Settings: t.Settings, Labels: t.Labels}
	names, numbers := map[*node]string{}, map[string]int{}
	for _, n := range t.nodes {
		if names[n] = n.message.GetName(); names[n] == "" {
			numbers[n.base]++
			names[n] = n.base
			if number := numbers[n.base]; number > 1 {
				names[n] = fmt.Sprintf("%s_%d", n.base, number)
			}
		}
		message := &pb.Node{Name: names[n], Operator: n.message.Operator}
		for _, input := range n.inputs {
			ref := names[input.node]
			if input.port != "" {
				ref += "." + input.port
			}
			message.Inputs = append(message.Inputs, ref)
		}
		out.Nodes = append(out.Nodes, message)
	}
	return out, nil
}

func (t *Topology) add(base string, inputs ...output) *node {
	added := &node{message: &pb.Node{}, base: base, inputs: inputs}
	t.nodes = append(t.nodes, added)
	return added
}

func (t *Topology) fail(err error) {
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("penstock: topology %s: %w", t.name, err)
	}
}

// Source says what a stream or table reads: one relation of the catalog, a relation that is declared here by Columns, or, for streams, several
// topics at once.
type Source struct {
	// Relation is a name in the catalog or `topology.node`. With Columns it is the topic of what is declared, published under the node's name.
	Relation string
	// Columns are `NAME TYPE [KEY], ...`.
	Columns string
	// Binding says topic and formats of what is declared.
	Binding *Binding
	// Relations, Topics or Pattern (a regular expression over whole names of topics, later ones included) are read as one stream. The last two
	// need Columns.
	Relations, Topics []string
	Pattern           string
	// Start is where a new topology begins; the zero value is the beginning.
	Start Start
	// Window is how the keys of the topic of what is declared are windowed, such as Tumbling(time.Minute).
	Window *Window
	// TimeColumn gives the rowtime, in TimeFormat when it is a STRING. OnBadTime is what becomes of a row without one.
	TimeColumn, TimeFormat string
	OnBadTime              OnBadTime
	// History makes a table versioned: how long earlier rows are kept.
	History time.Duration
}

// OnBadTime is what becomes of a row whose time column gives no time. The zero value leaves it to the service.
type OnBadTime = pb.OnBadTime

// What becomes of such a row.
const (
	BadTimeIsBadRecord    = pb.OnBadTime_ON_BAD_TIME_BAD_RECORD
	BadTimeIsSkipped      = pb.OnBadTime_ON_BAD_TIME_SKIP
	BadTimeHasRecordsTime = pb.OnBadTime_ON_BAD_TIME_RECORD_TIME
)

func (s Source) base() string {
	if s.Relation == "" {
		return "source"
	}
	return nodeName(s.Relation)
}

func (s Source) origin() (*pb.Origin, error) {
	out := &pb.Origin{Start: s.Start.message}
	var declared *pb.InlineRelation
	if s.Columns != "" {
		schema, err := parseColumns(s.Columns)
		if err != nil {
			return nil, err
		}
		binding := Binding{Topic: s.Relation}
		if s.Binding != nil {
			binding = *s.Binding
		}
		declared = &pb.InlineRelation{Schema: schema, Topic: binding.message()}
		if s.Window != nil {
			window := s.Window.message
			declared.Window = &pb.WindowInfo{Kind: window.GetKind(), Size: window.GetSize(), Advance: window.GetAdvance()}
		}
	}
	switch {
	case len(s.Relations) > 0 || len(s.Topics) > 0 || s.Pattern != "":
		out.Origin = &pb.Origin_Topics{Topics: &pb.TopicSet{
			Names: s.Topics, Pattern: s.Pattern, Relation: declared, Relations: s.Relations,
		}}
	case declared != nil:
		out.Origin = &pb.Origin_Inline{Inline: declared}
	case s.Relation != "":
		out.Origin = &pb.Origin_Relation{Relation: s.Relation}
	default:
		return nil, errors.New("a source needs a relation's name, or columns to declare one")
	}
	return out, nil
}

func (s Source) time() *pb.TimeColumn {
	if s.TimeColumn == "" {
		return nil
	}
	return &pb.TimeColumn{Column: s.TimeColumn, Format: s.TimeFormat, OnBadTime: s.OnBadTime}
}

// Stream reads a stream of the catalog.
func (t *Topology) Stream(relation string) *Stream { return t.StreamFrom(Source{Relation: relation}) }

// StreamFrom reads a stream.
func (t *Topology) StreamFrom(source Source) *Stream {
	origin, err := source.origin()
	t.fail(err)
	added := t.add(source.base())
	added.message.Operator = &pb.Node_SourceStream{SourceStream: &pb.SourceStream{Origin: origin, Time: source.time()}}
	return &Stream{output{t, added, ""}}
}

// Table reads a table of the catalog and materialises it.
func (t *Topology) Table(relation string) *Table { return t.TableFrom(Source{Relation: relation}) }

// TableFrom reads a table and materialises it.
func (t *Topology) TableFrom(source Source) *Table {
	origin, err := source.origin()
	t.fail(err)
	added := t.add(source.base())
	added.message.Operator = &pb.Node_SourceTable{
		SourceTable: &pb.SourceTable{Origin: origin, Time: source.time(), History: unlessZero(source.History)},
	}
	return &Table{output{t, added, ""}}
}

// GlobalTable reads a whole table in every worker, for joins by any column of a stream.
func (t *Topology) GlobalTable(source Source) *GlobalTable {
	origin, err := source.origin()
	t.fail(err)
	added := t.add(source.base())
	added.message.Operator = &pb.Node_GlobalTable{GlobalTable: &pb.GlobalTable{Origin: origin, Time: source.time()}}
	return &GlobalTable{output{t, added, ""}}
}

// GlobalTable is a table that every worker has whole; streams join it with JoinGlobal.
type GlobalTable struct{ whole output }

// Named sets the node's name.
func (g *GlobalTable) Named(name string) *GlobalTable {
	g.whole.node.message.Name = name
	return g
}

// nodeName is a relation's name as a node's: `topology.node` has a point, which node names do not.
func nodeName(relation string) string { return strings.ReplaceAll(relation, ".", "_") }

var aliased = regexp.MustCompile("(?is)^(.*\\S)\\s+AS\\s+(?:([A-Za-z_][A-Za-z0-9_@]*)|`((?:[^`]|``)+)`)\\s*$")

// projections reads computed columns: an expression, or one with `AS name` behind it.
func projections(columns []string) []*pb.Projection {
	out := make([]*pb.Projection, len(columns))
	for i, text := range columns {
		out[i] = &pb.Projection{Expression: text}
		if match := aliased.FindStringSubmatch(text); match != nil {
			out[i] = &pb.Projection{Expression: match[1], Alias: match[2] + strings.ReplaceAll(match[3], "``", "`")}
		}
	}
	return out
}
