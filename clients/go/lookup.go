package penstock

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Get looks up the row of a key, a Key for several key columns; nil when there is none.
func (c *Client) Get(ctx context.Context, relation string, key any, options ...ReadOption) (*Row, error) {
	batch, err := c.get(ctx, readGet, relation, key, options)
	if err != nil {
		return nil, err
	}
	switch batch.Len() {
	case 0:
		return nil, nil
	case 1:
		return batch.Row(0), nil
	}
	return nil, fmt.Errorf("penstock: %s is windowed: use GetWindows", relation)
}

// GetWindows looks up the rows of a key in a windowed table, one for each window.
func (c *Client) GetWindows(ctx context.Context, relation string, key any, options ...ReadOption) (*Batch, error) {
	return c.get(ctx, readWindows, relation, key, options)
}

func (c *Client) get(ctx context.Context, by reader, relation string, key any, options []ReadOption) (*Batch, error) {
	wanted, err := readingOf(by, options)
	if err != nil {
		return nil, err
	}
	values, err := keyValues(key)
	if err != nil {
		return nil, err
	}
	response, err := call(ctx, c, c.Raw.Lookup.Get, &pb.GetRequest{
		Relation: relation, Key: values, Windows: wanted.windows, Columns: wanted.columns, Consistency: wanted.consistency(), AsOf: wanted.asOf,
	}, repeatable, wanted.patience())
	if err != nil {
		return nil, err
	}
	return answered(response.GetSchema(), response.GetRows(), response.GetPosition())
}

func answered(schema *pb.RowSchema, rows *pb.RowBatch, position *pb.PositionToken) (*Batch, error) {
	columns, err := schemaOf(schema)
	if err != nil {
		return nil, err
	}
	return batchOf(columns, rows, position.GetValue(), false)
}

// BatchGet looks up at most 10000 keys of one table: for each its row, nil when there is none. Of a windowed table a Key ends with the start of
// its window, a time.Time or milliseconds.
func (c *Client) BatchGet(ctx context.Context, relation string, keys []any, options ...ReadOption) ([]*Row, error) {
	wanted, err := readingOf(readBatchGet, options)
	if err != nil {
		return nil, err
	}
	table, err := c.known(ctx, relation)
	if err != nil {
		return nil, err
	}
	batch, err := keyBatch(table, keys)
	if err != nil {
		return nil, err
	}
	response, err := call(ctx, c, c.Raw.Lookup.BatchGet, &pb.BatchGetRequest{
		Relation: relation, Keys: batch, Columns: wanted.columns, Consistency: wanted.consistency(), AsOf: wanted.asOf,
	}, repeatable, wanted.patience())
	if err != nil {
		return nil, err
	}
	found, err := answered(response.GetSchema(), response.GetRows(), response.GetPosition())
	if err != nil {
		return nil, err
	}
	out := make([]*Row, len(keys))
	if len(response.GetKeyIndexes()) != found.Len() {
		return nil, errors.New("penstock: the answer does not say which key each row has")
	}
	for i, place := range response.GetKeyIndexes() {
		if int(place) >= len(out) {
			return nil, fmt.Errorf("penstock: the answer names key %d of %d", place, len(out))
		}
		out[place] = found.Row(i)
	}
	return out, nil
}

// keyBatch is keys as rows of key columns, and of the window's start for a windowed table.
func keyBatch(table *Relation, keys []any) (*pb.RowBatch, error) {
	columns := table.Key()
	if table.Windowed {
		columns = append(columns, Column{"WINDOWSTART", &Type{Kind: KindBigint}, RoleWindow})
	}
	cells := make([][]any, len(columns))
	for i, key := range keys {
		values, several := key.(Key)
		if !several {
			values = Key{key}
		}
		if len(values) != len(columns) {
			return nil, fmt.Errorf("penstock: key %d has %d values; %s needs %d", i, len(values), table.Name, len(columns))
		}
		for place, value := range values {
			if instant, ok := value.(time.Time); ok && columns[place].Role == RoleWindow {
				value = instant.UnixMilli()
			}
			cells[place] = append(cells[place], plain(reflect.ValueOf(value)))
		}
	}
	batch := &pb.RowBatch{RowCount: uint32(len(keys))}
	for i, column := range columns {
		data, err := encodeColumn(column.Type, cells[i])
		if err != nil {
			return nil, fmt.Errorf("penstock: key column %s %s: %w", column.Name, column.Type, err)
		}
		batch.Columns = append(batch.Columns, data)
	}
	return batch, nil
}

// Scan reads a range or all of a table. The scan begins when its rows are asked for, and goes on over broken connections.
func (c *Client) Scan(ctx context.Context, relation string, options ...ReadOption) *Scan {
	wanted, err := readingOf(readScan, options)
	scan := &Scan{client: c, ctx: ctx, relation: relation, wanted: wanted, failed: err}
	if err == nil {
		scan.cursor = wanted.cursor
	}
	return scan
}

// Scan is a scan of a table, read once.
type Scan struct {
	client   *Client
	ctx      context.Context
	relation string
	wanted   *reading
	failed   error

	cursor, position string
	taken            uint64
	schema           *RowSchema
}

// Cursor goes on after what was read, in another scan of the same relation and conditions.
func (s *Scan) Cursor() string { return s.cursor }

// Position, at the end of the scan, starts a subscription to the changes since. Empty before.
func (s *Scan) Position() string { return s.position }

// Rows are the rows. Ending the loop ends the scan.
func (s *Scan) Rows() iter.Seq2[*Row, error] { return rowsOf(s.Batches()) }

// Batches are the rows as they come.
func (s *Scan) Batches() iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		if s.failed != nil {
			yield(nil, s.failed)
			return
		}
		ctx, cancel := s.client.within(s.ctx)
		defer cancel()
		for attempt := 1; ; {
			err := s.read(ctx, &attempt, yield)
			if err == nil {
				return
			}
			wait, again := s.client.retry.again(attempt, err)
			if !again || sleep(ctx, wait) != nil {
				yield(nil, s.client.ended(err))
				return
			}
			attempt++
		}
	}
}

// read makes one call. nil at the end of the scan, or of the loop over it.
func (s *Scan) read(ctx context.Context, attempt *int, yield func(*Batch, error) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := s.request()
	if err != nil {
		return err
	}
	stream, err := s.client.Raw.Lookup.Scan(ctx, request)
	if err != nil {
		return fromRPC(ctx, err)
	}
	for !s.done() {
		response, err := stream.Recv()
		if err != nil {
			return lost(ctx, err)
		}
		*attempt = 1
		batch, err := s.take(response)
		if err != nil {
			return err
		}
		if batch != nil && !yield(batch, nil) {
			return nil
		}
	}
	return nil
}

// done: only the last response has a position.
func (s *Scan) done() bool {
	return s.position != "" || s.wanted.limit > 0 && s.taken >= s.wanted.limit
}

func (s *Scan) request() (*pb.ScanRequest, error) {
	parameters, err := s.wanted.parameters.message()
	if err != nil {
		return nil, err
	}
	request := &pb.ScanRequest{
		Relation: s.relation, Windows: s.wanted.windows, Where: s.wanted.where, Parameters: parameters, Columns: s.wanted.columns,
		Limit: s.wanted.limit, Consistency: s.wanted.consistency(), Cursor: s.cursor,
	}
	if s.wanted.ranged {
		request.Range = &pb.KeyRange{}
		for _, bound := range []struct {
			key  any
			into *[]*pb.Value
		}{{s.wanted.from, &request.Range.FromKey}, {s.wanted.to, &request.Range.ToKey}, {s.wanted.prefix, &request.Range.Prefix}} {
			if bound.key == nil {
				continue
			}
			if *bound.into, err = keyValues(bound.key); err != nil {
				return nil, err
			}
		}
	}
	return request, nil
}

// take is the rows of a response, nil when it has none.
func (s *Scan) take(response *pb.ScanResponse) (*Batch, error) {
	if response.GetSchema() != nil {
		schema, err := schemaOf(response.GetSchema())
		if err != nil {
			return nil, err
		}
		s.schema = schema
	}
	s.position = response.GetPosition().GetValue()
	if response.GetCursor() != "" {
		s.cursor = response.GetCursor()
	}
	if response.GetRows().GetRowCount() == 0 {
		return nil, nil
	}
	if s.schema == nil {
		return nil, errors.New("penstock: rows came before their schema")
	}
	batch, err := batchOf(s.schema, response.GetRows(), s.position, false)
	if err != nil {
		return nil, err
	}
	if s.wanted.limit > 0 {
		// A scan that was broken off counts its limit anew.
		batch = batch.head(int(s.wanted.limit - s.taken))
	}
	s.taken += uint64(batch.Len())
	return batch, nil
}
