package penstock

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// AppendOption is a setting of an append.
type AppendOption func(*appending)

type appending struct {
	asJSON, skipInvalid bool
	producer            string
	sequence            uint64
}

func appendingOf(options []AppendOption) appending {
	out := appending{}
	for _, option := range options {
		option(&out)
	}
	return out
}

// AsJSON sends rows as JSON objects, which the service casts as INSERT VALUES does, instead of typed by the relation's schema. A DECIMAL is then
// a json.Number, since text is not cast to it.
func AsJSON() AppendOption { return func(a *appending) { a.asJSON = true } }

// SkipInvalid writes the valid rows of a batch and names the others; otherwise nothing of a batch with an invalid row is written.
func SkipInvalid() AppendOption { return func(a *appending) { a.skipInvalid = true } }

// Producer numbers a batch within a producer of the application's own: 1, 2, 3 and so on. Such a batch may be repeated and is written once.
func Producer(id string, sequence uint64) AppendOption {
	return func(a *appending) { a.producer, a.sequence = id, sequence }
}

// Appended is what became of a batch.
type Appended struct {
	// Position includes every row of it.
	Position string
	// Rows is how many were written now.
	Rows int
	// Duplicate says that an earlier call had written the batch.
	Duplicate bool
	// RowErrors are the rows that SkipInvalid left out.
	RowErrors []RowError
}

// Append writes one batch of rows, all or nothing unless SkipInvalid. A row may give ROWTIME. Without Producer a call whose outcome is unknown
// is not repeated.
func (c *Client) Append(ctx context.Context, relation string, rows Rows, options ...AppendOption) (*Appended, error) {
	how := appendingOf(options)
	batch, err := c.batch(ctx, relation, rows, how)
	if err != nil {
		return nil, err
	}
	return c.append(ctx, batch, how)
}

// Record is a record as bytes, in the relation's own formats.
type Record struct {
	// Key and Value are nil for null.
	Key, Value []byte
	// Timestamp is the rowtime; zero means the service's clock.
	Timestamp time.Time
	// Partition overrides the hash of the key.
	Partition *uint32
	Headers   []Header
}

// Header is one header of a record; a nil value is null.
type Header struct {
	Key   string
	Value []byte
}

// AppendRecords writes records as bytes; the service checks them.
func (c *Client) AppendRecords(ctx context.Context, relation string, records []Record, options ...AppendOption) (*Appended, error) {
	raw := &pb.RawRecords{}
	for _, record := range records {
		message := &pb.RawRecord{Key: record.Key, Value: record.Value, Timestamp: unlessZeroTime(record.Timestamp), Partition: record.Partition}
		for _, header := range record.Headers {
			message.Headers = append(message.Headers, &pb.RecordHeader{Key: header.Key, Value: header.Value})
		}
		raw.Records = append(raw.Records, message)
	}
	return c.append(ctx, &pb.AppendBatch{Relation: relation, Content: &pb.AppendBatch_Records{Records: raw}}, appendingOf(options))
}

func (c *Client) append(ctx context.Context, batch *pb.AppendBatch, how appending) (*Appended, error) {
	how.mark(batch)
	batch.Sequence = how.sequence
	request := &pb.AppendRequest{ProducerId: how.producer, Batch: batch}
	response, err := call(ctx, c, c.Raw.Append.Append, request, mayRepeat(how.producer != ""), 0)
	if err != nil {
		return nil, err
	}
	return acknowledged(response.GetAck(), how.skipInvalid)
}

func (a appending) mark(batch *pb.AppendBatch) {
	batch.OnInvalid = pb.OnInvalid_ON_INVALID_REJECT_BATCH
	if a.skipInvalid {
		batch.OnInvalid = pb.OnInvalid_ON_INVALID_SKIP_ROWS
	}
}

// batch is rows as a message, typed by the relation's schema unless they go as JSON.
func (c *Client) batch(ctx context.Context, relation string, rows Rows, how appending) (*pb.AppendBatch, error) {
	out := &pb.AppendBatch{Relation: relation}
	if how.asJSON {
		texts, err := jsonRows(rows)
		out.Content = &pb.AppendBatch_Json{Json: &pb.JsonRows{Rows: texts}}
		return out, err
	}
	known, err := c.known(ctx, relation)
	if err != nil {
		return nil, err
	}
	typedRows, err := typedRows(known, rows)
	out.Content = &pb.AppendBatch_Rows{Rows: typedRows}
	return out, err
}

// typedRows is the columns that any row names. An error names the row and column of a value that does not fit.
func typedRows(relation *Relation, rows Rows) (*pb.TypedRows, error) {
	columns := []Column{}
	for _, column := range relation.Columns {
		if column.Role == RoleKey || column.Role == RoleValue {
			columns = append(columns, column)
		}
	}
	columns = append(columns, Column{"ROWTIME", &Type{Kind: KindTimestamp}, RoleMeta}) // every relation takes it
	cells := make([][]any, len(columns))
	places := map[string]int{}
	for i, row := range rows {
		for given, value := range row {
			place, seen := places[given]
			if !seen {
				place = resolve(len(columns), func(c int) string { return columns[c].Name }, given)
				if place < 0 {
					return nil, fmt.Errorf("penstock: row %d: %s has no column %s; there are %s", i, relation.Name, given, namesOf(columns))
				}
				places[given] = place
			}
			if cells[place] == nil {
				cells[place] = make([]any, len(rows))
			}
			cells[place][i] = plain(reflect.ValueOf(value))
		}
	}
	out := &pb.TypedRows{Batch: &pb.RowBatch{RowCount: uint32(len(rows))}}
	for i, column := range columns {
		if cells[i] == nil {
			continue
		}
		data, err := encodeColumn(column.Type, cells[i])
		if err != nil {
			place := 0
			var cell *cellError
			if errors.As(err, &cell) {
				place = cell.place
			}
			return nil, fmt.Errorf("penstock: row %d, column %s %s: %w", place, column.Name, column.Type, err)
		}
		out.Columns = append(out.Columns, column.Name)
		out.Batch.Columns = append(out.Batch.Columns, data)
	}
	return out, nil
}

func namesOf(columns []Column) string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = column.Name
	}
	return strings.Join(names, ", ")
}

// acknowledged is the result of a batch. Refused rows are an error of the first one's reason, *InvalidRowError or a closer one.
func acknowledged(ack *pb.AppendAck, skipInvalid bool) (*Appended, error) {
	refused := rowErrors(ack.GetRowErrors())
	if len(refused) > 0 && !skipInvalid {
		first := refused[0]
		message := first.Message
		if !strings.HasPrefix(message, "row ") {
			message = fmt.Sprintf("row %d: %s", first.Row, message)
		}
		if len(refused) > 1 {
			message += fmt.Sprintf(" (and %d more rows)", len(refused)-1)
		}
		if first.Reason == "" {
			first.Reason = ReasonInvalidRow
		}
		return nil, typed(&Error{
			Reason: first.Reason, Message: message, Code: codes.InvalidArgument, Metadata: first.Metadata, RowErrors: refused,
		})
	}
	return &Appended{ack.GetPosition().GetValue(), int(ack.GetAppended()), ack.GetDuplicate(), refused}, nil
}
