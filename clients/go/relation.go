package penstock

import (
	"strings"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// RelationKind is stream or table.
type RelationKind string

// The kinds of relations.
const (
	StreamRelation RelationKind = "STREAM"
	TableRelation  RelationKind = "TABLE"
)

// Relation is a stream or a table of the catalog.
type Relation struct {
	Name string
	Kind RelationKind
	// Columns are all columns, key columns first.
	Columns []Column
	// Topic is empty for a materialised node without one.
	Topic                  string
	KeyFormat, ValueFormat string
	// Windowed says that keys have windows; WindowSize is their size, 0 for sessions without one.
	Windowed         bool
	WindowSize       time.Duration
	OwnerTopology    string
	WriterTopologies []string
	ReaderTopologies []string
	// ReadOnly says that appends are refused, Lookup that Get and Scan are answered.
	ReadOnly, Lookup bool
	ETag             string
	// Position makes a later call see the relation, after its creation.
	Position string
}

// Key is the key columns in order.
func (r *Relation) Key() []Column {
	var out []Column
	for _, column := range r.Columns {
		if column.Role == RoleKey {
			out = append(out, column)
		}
	}
	return out
}

func relationOf(message *pb.Relation, position string) (*Relation, error) {
	columns, err := columnsOf(message.GetSchema())
	if err != nil {
		return nil, err
	}
	return &Relation{
		Name: message.GetName(), Kind: RelationKind(strings.TrimPrefix(message.GetKind().String(), "RELATION_KIND_")), Columns: columns,
		Topic: message.GetTopic().GetTopic(), KeyFormat: message.GetTopic().GetKeyFormat().GetName(),
		ValueFormat: message.GetTopic().GetValueFormat().GetName(), Windowed: message.GetWindow() != nil,
		WindowSize: message.GetWindow().GetSize().AsDuration(), OwnerTopology: message.GetOwnerTopology(),
		WriterTopologies: message.GetWriterTopologies(), ReaderTopologies: message.GetReaderTopologies(),
		ReadOnly: message.GetReadOnly(), Lookup: message.GetLookup(), ETag: message.GetEtag(), Position: position,
	}, nil
}
