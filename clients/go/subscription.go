package penstock

import (
	"context"
	"iter"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Subscription is a stream of rows that goes on over broken connections. Rows, Batches and Events are the same stream in other units; take one
// of them, once. It ends when its limit or end is reached, the relation is deleted, the loop over it ends, or its context or client does.
type Subscription struct {
	client *Client
	ctx    context.Context
	failed error
	// open makes the call that goes on after a position, as far as `state` says.
	open     func(ctx context.Context, state *resumable) (receive func() (*pb.Event, error), err error)
	state    resumable
	position string
}

// Subscribe pushes the rows of a relation: by default a table's present rows and then its changes, or what comes to a stream from now on. The
// call is made when the rows are asked for.
func (c *Client) Subscribe(ctx context.Context, relation string, options ...ReadOption) *Subscription {
	wanted, err := readingOf(readSubscribe, options)
	if err != nil {
		return &Subscription{failed: err}
	}
	parameters, err := wanted.parameters.message()
	return &Subscription{
		client: c, ctx: ctx, failed: err, state: resumable{retry: c.retry, resumes: true},
		open: func(ctx context.Context, state *resumable) (func() (*pb.Event, error), error) {
			start := wanted.start
			if state.position != "" {
				start = After(state.position)
			}
			stream, err := c.Raw.Subscription.Subscribe(ctx, &pb.SubscribeRequest{
				Relation: relation, Columns: wanted.columns, Where: wanted.where, Parameters: parameters, Start: start.message,
				Until: wanted.until, Limit: state.left(wanted.limit), Partitions: wanted.partitions, MaxBatchRows: wanted.maxBatchRows,
				MaxLinger: optional(wanted.maxLinger), ProgressInterval: optional(wanted.progressPeriod),
			})
			return func() (*pb.Event, error) {
				response, err := stream.Recv()
				return response.GetEvent(), err
			}, err
		},
	}
}

// Query runs one SELECT or PRINT. A pull query ends by itself; a push query, which has EMIT CHANGES, goes on over broken connections, or after
// the token of Resume.
func (c *Client) Query(ctx context.Context, sql string, options ...ReadOption) *Subscription {
	wanted, err := readingOf(readQuery, options)
	if err != nil {
		return &Subscription{failed: err}
	}
	parameters, err := wanted.parameters.message()
	push := isPush(sql)
	return &Subscription{
		client: c, ctx: ctx, failed: err, state: resumable{retry: c.retry, resumes: push},
		open: func(ctx context.Context, state *resumable) (func() (*pb.Event, error), error) {
			resume := wanted.resume
			if state.position != "" {
				resume = state.position
			}
			request := &pb.QueryRequest{
				Sql: sql, Parameters: parameters, Session: c.Session.message(), Consistency: wanted.consistency(),
				Limit: state.left(wanted.limit), ProgressInterval: optional(wanted.progressPeriod), Positions: c.Session.positions(),
			}
			if resume != "" && push {
				request.Resume = &pb.PositionToken{Value: resume}
			}
			stream, err := c.Raw.SQL.Query(ctx, request)
			return func() (*pb.Event, error) {
				response, err := stream.Recv()
				return response.GetEvent(), err
			}, err
		},
	}
}

// Position resumes after what was handed over whole: with Rows, it is set before the last row of a batch is, so that who stores it with that
// row's effect goes on behind it.
func (s *Subscription) Position() string { return s.position }

// Rows are the rows.
func (s *Subscription) Rows() iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for event, err := range s.events() {
			if err != nil {
				yield(nil, err)
				return
			}
			batch, isBatch := event.(*Batch)
			if !isBatch {
				s.pass(event)
				continue
			}
			for place := range batch.Len() {
				if place == batch.Len()-1 {
					s.pass(batch)
				}
				if !yield(batch.Row(place), nil) {
					return
				}
			}
		}
	}
}

// Batches are the rows as they come; Batch.Position resumes after each.
func (s *Subscription) Batches() iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		for event, err := range s.Events() {
			batch, isBatch := event.(*Batch)
			if err == nil && !isBatch {
				continue
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

// Events are everything that happens, reconnects included.
func (s *Subscription) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for event, err := range s.events() {
			if err == nil {
				s.pass(event)
			}
			if !yield(event, err) {
				return
			}
		}
	}
}

// pass notes the position of an event that was handed over.
func (s *Subscription) pass(event Event) {
	position := ""
	switch event := event.(type) {
	case *Batch:
		position = event.Position
	case *Progress:
		position = event.Position
	case *CaughtUp:
		position = event.Position
	case *FellBehind:
		position = event.Position
	case *Reconnecting:
		position = event.Position
	case *Ended:
		position = event.Position
	}
	if position != "" {
		s.position = position
	}
}

func (s *Subscription) events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if s.failed != nil {
			yield(nil, s.failed)
			return
		}
		ctx, cancel := s.client.within(s.ctx)
		defer cancel()
		for !s.state.done {
			again, err := s.connection(ctx, yield)
			if err != nil {
				yield(nil, s.client.ended(err))
				return
			}
			if again == nil || !yield(again, nil) {
				return
			}
			if err := sleep(ctx, again.Delay); err != nil {
				yield(nil, s.client.ended(err))
				return
			}
		}
	}
}

// connection makes one call and hands its events over. nil without an error: the stream or the loop over it has ended.
func (s *Subscription) connection(ctx context.Context, yield func(Event, error) bool) (*Reconnecting, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.state.restart()
	receive, err := s.open(ctx, &s.state)
	if err != nil {
		return s.state.failed(fromRPC(ctx, err))
	}
	for {
		message, err := receive()
		if err != nil {
			return s.state.failed(lost(ctx, err))
		}
		event, err := s.state.take(message)
		if err != nil {
			return nil, err
		}
		if again, planned := event.(*Reconnecting); planned {
			s.client.nodes.move(again.address)
			return again, nil
		}
		if event != nil && !yield(event, nil) || s.state.done {
			return nil, nil
		}
	}
}

// ended is the error of a stream: ErrClosed where the client was closed.
func (c *Client) ended(err error) error {
	if c.closing.Err() != nil {
		return ErrClosed
	}
	return err
}
