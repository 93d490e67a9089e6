package penstock

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Table is a table in a topology. Materialised ones can be looked up as `topology.node`.
type Table struct{ output }

// Named sets the name of the node that gives this table.
func (t *Table) Named(name string) *Table {
	t.node.message.Name = name
	return t
}

// Filter keeps the rows for which a condition is true; one that stops matching is deleted.
func (t *Table) Filter(where string) *Table { return &Table{t.filter(where, false)} }

// FilterNot keeps the rows for which a condition is false or null.
func (t *Table) FilterNot(where string) *Table { return &Table{t.filter(where, true)} }

// Select computes the value columns.
func (t *Table) Select(columns ...string) *Table { return &Table{t.project(columns)} }

// Join joins rows of the same key.
func (t *Table) Join(other *Table, columns ...string) *Table {
	return t.JoinTable(other, Inner, columns...)
}

// JoinTable is Join of a kind: for unmatched rows that stay, the other table's columns are null.
func (t *Table) JoinTable(other *Table, kind JoinKind, columns ...string) *Table {
	return t.join(other, &pb.TableTableJoin{Kind: kind, Columns: projections(columns)})
}

// JoinForeign joins each row with the other table's row that an expression over this one's row names. kind is Inner or Left.
func (t *Table) JoinForeign(other *Table, kind JoinKind, foreignKey string, columns ...string) *Table {
	return t.join(other, &pb.TableTableJoin{Kind: kind, ForeignKey: foreignKey, Columns: projections(columns)})
}

func (t *Table) join(other *Table, message *pb.TableTableJoin) *Table {
	added := t.then("join", other.output)
	added.message.Operator = &pb.Node_TableTableJoin{TableTableJoin: message}
	return &Table{t.of(added)}
}

// SuppressUntilWindowCloses holds back updates of a windowed table, so that of each window the last leaves when it is closed.
func (t *Table) SuppressUntilWindowCloses() *Table {
	return t.suppress(&pb.Suppress{Until: &pb.Suppress_WindowCloses{WindowCloses: true}})
}

// SuppressFor holds back updates, so that of each key the newest leaves, this long after the first, in the time of the rows. Over a bound the
// longest waiting leaves early; 0 is none.
func (t *Table) SuppressFor(limit time.Duration, maxRecords, maxBytes uint64) *Table {
	return t.SuppressWith(Suppression{TimeLimit: limit, MaxRecords: maxRecords, MaxBytes: maxBytes})
}

// Suppression is how updates are held back.
type Suppression struct {
	// TimeLimit is how long after a key's first update its newest leaves; 0 waits until the window closes.
	TimeLimit time.Duration
	// MaxRecords and MaxBytes bound what waits; 0 is none.
	MaxRecords, MaxBytes uint64
	// StopWhenFull lets the task fail over a bound, instead of letting the longest waiting leave early.
	StopWhenFull bool
}

// SuppressWith holds back updates, so that of each key the newest leaves.
func (t *Table) SuppressWith(how Suppression) *Table {
	message := &pb.Suppress{
		Until: &pb.Suppress_WindowCloses{WindowCloses: true}, MaxRecords: how.MaxRecords, MaxBytes: how.MaxBytes,
	}
	if how.TimeLimit != 0 {
		message.Until = &pb.Suppress_TimeLimit{TimeLimit: durationpb.New(how.TimeLimit)}
	}
	if how.StopWhenFull {
		message.WhenFull = pb.WhenFull_WHEN_FULL_STOP
	}
	return t.suppress(message)
}

func (t *Table) suppress(message *pb.Suppress) *Table {
	added := t.then("suppress")
	added.message.Operator = &pb.Node_Suppress{Suppress: message}
	return &Table{t.of(added)}
}

// ToStream reads the changes as records.
func (t *Table) ToStream() *Stream {
	added := t.then("to_stream")
	added.message.Operator = &pb.Node_ToStream{ToStream: &pb.ToStream{}}
	return &Stream{t.of(added)}
}
