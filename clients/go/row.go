package penstock

import (
	"fmt"
	"iter"
	"strings"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// RowSchema is the columns of the rows that follow it.
type RowSchema struct {
	// ID is a fingerprint, equal for equal columns.
	ID      uint64
	Columns []Column
	// Table says that rows replace each other by key.
	Table bool
}

// Place is the index of a column: of exactly this name, else in upper case, else the only one that differs by case alone; -1 for none.
func (s *RowSchema) Place(column string) int {
	return resolve(len(s.Columns), func(i int) string { return s.Columns[i].Name }, column)
}

func (s *RowSchema) names() string {
	names := make([]string, len(s.Columns))
	for i, column := range s.Columns {
		names[i] = column.Name
	}
	return strings.Join(names, ", ")
}

func schemaOf(message *pb.RowSchema) (*RowSchema, error) {
	columns, err := columnsOf(message.GetSchema())
	if err != nil {
		return nil, err
	}
	return &RowSchema{message.GetId(), columns, message.GetTable()}, nil
}

// Batch is rows that came together, held by column.
type Batch struct {
	Schema *RowSchema
	// Position is the token that resumes after this batch; empty when it is no resume point.
	Position string
	// Snapshot says that the rows are state, not changes.
	Snapshot bool

	count   int
	columns []vector
	kinds   []pb.RowKind // one a row, empty when no row is deleted
}

func batchOf(schema *RowSchema, message *pb.RowBatch, position string, snapshot bool) (*Batch, error) {
	batch := &Batch{Schema: schema, Position: position, Snapshot: snapshot, count: int(message.GetRowCount()), kinds: message.GetKinds()}
	if len(message.GetColumns()) != len(schema.Columns) {
		return nil, fmt.Errorf("penstock: batch has %d columns where its schema has %d", len(message.GetColumns()), len(schema.Columns))
	}
	if len(batch.kinds) != 0 && len(batch.kinds) != batch.count {
		return nil, fmt.Errorf("penstock: batch has %d kinds for %d rows", len(batch.kinds), batch.count)
	}
	for i, column := range schema.Columns {
		decoded, err := decodeColumn(column.Type, message.GetColumns()[i], batch.count)
		if err != nil {
			return nil, fmt.Errorf("penstock: column %s: %w", column.Name, err)
		}
		batch.columns = append(batch.columns, decoded)
	}
	return batch, nil
}

// Len is the number of rows.
func (b *Batch) Len() int { return b.count }

// Row is the row at a place, from 0.
func (b *Batch) Row(place int) *Row { return &Row{b, place} }

// Rows are the rows in order.
func (b *Batch) Rows() iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		for place := range b.count {
			if !yield(&Row{b, place}) {
				return
			}
		}
	}
}

// rowsOf are the rows of batches.
func rowsOf(batches iter.Seq2[*Batch, error]) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for batch, err := range batches {
			if err != nil {
				yield(nil, err)
				return
			}
			for row := range batch.Rows() {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// head is the first rows.
func (b *Batch) head(count int) *Batch {
	if count >= b.count {
		return b
	}
	cut := *b
	cut.count = max(count, 0)
	return &cut
}

// Row is one row. The kinds of types.go say which Go type the values of each column have.
type Row struct {
	batch *Batch
	place int
}

// Schema is the row's columns.
func (r *Row) Schema() *RowSchema { return r.batch.Schema }

// Deleted says that the row of this key is gone (table), or that the record has a null value (stream). Its values are nil but for the key.
func (r *Row) Deleted() bool {
	return len(r.batch.kinds) > 0 && r.batch.kinds[r.place] == pb.RowKind_ROW_KIND_DELETE
}

// Position is the token of the batch that the row came in; empty when that is no resume point.
func (r *Row) Position() string { return r.batch.Position }

// Value is the value of a column, nil for NULL; false when there is no such column. Names are found as RowSchema.Place does.
func (r *Row) Value(column string) (any, bool) {
	place := r.batch.Schema.Place(column)
	if place < 0 {
		return nil, false
	}
	return r.batch.columns[place].at(r.place), true
}

// Values are the values of all columns, in their order.
func (r *Row) Values() []any {
	out := make([]any, len(r.batch.columns))
	for i, column := range r.batch.columns {
		out[i] = column.at(r.place)
	}
	return out
}

// Map is the values by the names of their columns.
func (r *Row) Map() map[string]any {
	out := make(map[string]any, len(r.batch.columns))
	for i, column := range r.batch.columns {
		out[r.batch.Schema.Columns[i].Name] = column.at(r.place)
	}
	return out
}

// String is for people.
func (r *Row) String() string {
	cells := make([]string, len(r.batch.columns))
	for i, value := range r.Values() {
		cells[i] = fmt.Sprintf("%s=%v", r.batch.Schema.Columns[i].Name, value)
	}
	if r.Deleted() {
		cells = append(cells, "deleted")
	}
	return "{" + strings.Join(cells, " ") + "}"
}

// Cell is the value of a column as a T; NULL is T's zero value. An error when there is no such column, or its values are no T.
func Cell[T any](row *Row, column string) (T, error) {
	var out T
	value, there := row.Value(column)
	if !there {
		return out, fmt.Errorf("penstock: no column %s; there are %s", column, row.Schema().names())
	}
	if err := assign(&out, value); err != nil {
		return out, fmt.Errorf("penstock: column %s: %w", column, err)
	}
	return out, nil
}

// Cells are the values of a column of a batch as Ts, as Cell gives them. They are not to be changed: the batch may hold the same array.
func Cells[T any](batch *Batch, column string) ([]T, error) {
	place := batch.Schema.Place(column)
	if place < 0 {
		return nil, fmt.Errorf("penstock: no column %s; there are %s", column, batch.Schema.names())
	}
	if scalars, is := batch.columns[place].(*scalarVector[T]); is && scalars.convert == nil && len(scalars.valid) == 0 {
		return scalars.values[:batch.count], nil
	}
	out := make([]T, batch.count)
	for i := range out {
		if err := assign(&out[i], batch.columns[place].at(i)); err != nil {
			return nil, fmt.Errorf("penstock: column %s: %w", column, err)
		}
	}
	return out, nil
}

// Decode writes the row into a struct. Each exported field takes the column of its name, or of its tag `penstock:"name"`; the tag "-" leaves
// it out. NULL gives the zero value, so a pointer tells it apart. A field without a column is an error; a column without a field is not.
func (r *Row) Decode(into any) error {
	for _, field := range fieldsOf(into) {
		value, there := r.Value(field.name)
		if !there {
			return fmt.Errorf("penstock: no column %s; there are %s", field.name, r.batch.Schema.names())
		}
		if err := assign(field.value.Addr().Interface(), value); err != nil {
			return fmt.Errorf("penstock: column %s: %w", field.name, err)
		}
	}
	return nil
}
