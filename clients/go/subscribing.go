package penstock

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc/codes"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// resumable is where a subscription is, without I/O: what an answer means, and what follows a broken call.
//
// Delivery is at least once: the resume point is the position of the last batch that had one, so that rows of batches behind it may come
// again after a broken connection. Position and effect stored together by the application make it exactly once.
type resumable struct {
	retry   Retry
	resumes bool // whether it goes on over broken connections

	position      string
	taken         uint64
	sincePosition uint64 // rows behind the resume point
	attempt       int
	greeted       bool // any answer has come: from now on only the application ends it
	done          bool
	schema        *RowSchema
	schemas       map[uint64]*RowSchema
}

// restart is called before each call: rows behind the resume point come again, so they do not count against the limit.
func (r *resumable) restart() {
	r.taken -= r.sincePosition
	r.sincePosition = 0
}

// left is what remains of a limit; 0 is none.
func (r *resumable) left(limit uint64) uint64 {
	switch {
	case limit == 0:
		return 0
	case limit > r.taken:
		return limit - r.taken
	}
	return 1
}

// take is the meaning of one message, nil when it says nothing to the application. An error ends the subscription.
func (r *resumable) take(message *pb.Event) (Event, error) {
	r.attempt, r.greeted = 0, true
	switch event := message.GetEvent().(type) {
	case *pb.Event_Schema:
		return r.takeSchema(event.Schema)
	case *pb.Event_Rows:
		return r.takeRows(event.Rows)
	case *pb.Event_Progress:
		return &Progress{r.at(event.Progress.GetPosition())}, nil
	case *pb.Event_CaughtUp:
		return &CaughtUp{r.at(event.CaughtUp.GetPosition())}, nil
	case *pb.Event_FellBehind:
		return &FellBehind{r.at(event.FellBehind.GetPosition()), event.FellBehind.GetRowsBehind()}, nil
	case *pb.Event_End:
		return r.takeEnd(event.End)
	}
	return nil, nil // an event of a newer service
}

func (r *resumable) at(token *pb.PositionToken) string {
	if token.GetValue() != "" {
		r.position, r.sincePosition = token.GetValue(), 0
	}
	return token.GetValue()
}

func (r *resumable) takeSchema(message *pb.RowSchema) (Event, error) {
	schema := r.schemas[message.GetId()]
	if schema == nil {
		var err error
		if schema, err = schemaOf(message); err != nil {
			return nil, err
		}
		if r.schemas == nil {
			r.schemas = map[uint64]*RowSchema{}
		}
		r.schemas[message.GetId()] = schema
	}
	if r.schema == schema {
		return nil, nil // the same again, after a reconnect
	}
	r.schema = schema
	return &SchemaChanged{schema}, nil
}

func (r *resumable) takeRows(rows *pb.Rows) (Event, error) {
	if r.schema == nil {
		return nil, errors.New("penstock: the service sent rows before their schema")
	}
	batch, err := batchOf(r.schema, rows.GetBatch(), rows.GetPosition().GetValue(), rows.GetSnapshot())
	if err != nil {
		return nil, err
	}
	r.taken += uint64(batch.Len())
	r.sincePosition += uint64(batch.Len())
	r.at(rows.GetPosition())
	return batch, nil
}

func (r *resumable) takeEnd(end *pb.End) (Event, error) {
	r.at(end.GetPosition())
	switch end.GetReason() {
	case pb.EndReason_END_REASON_RELATION_REPLACED:
		return nil, typed(&Error{Reason: ReasonRelationReplaced, Code: codes.FailedPrecondition, Message: end.GetMessage()})
	case pb.EndReason_END_REASON_CREDENTIALS_EXPIRED:
		again, err := r.failed(typed(&Error{Reason: ReasonCredentialsInvalid, Code: codes.Unauthenticated, Message: end.GetMessage()}))
		if err != nil {
			return nil, err
		}
		return again, nil
	case pb.EndReason_END_REASON_NODE_DRAINING:
		r.attempt = 1
		return &Reconnecting{r.position, r.retry.wait(1, nil), nil, end.GetAddress()}, nil
	}
	r.done = true
	return &Ended{strings.TrimPrefix(end.GetReason().String(), "END_REASON_"), r.position, end.GetMessage()}, nil
}

// failed is what follows a broken call: the wait, or the error when a repeat does not help. Once greeted it is repeated for ever.
func (r *resumable) failed(err error) (*Reconnecting, error) {
	accepted := r.greeted && r.attempt == 0
	r.attempt++
	if !goesOn(err, accepted) || r.greeted && !r.resumes || !r.greeted && r.attempt >= r.retry.Attempts {
		return nil, err
	}
	return &Reconnecting{r.position, r.retry.wait(r.attempt, err), err, ""}, nil
}

// lost is the error of a stream that ended: one that ended well, but too early, broke.
func lost(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) {
		return &UnreachableError{&Error{Code: codes.Unavailable, Message: "the connection ended"}}
	}
	return fromRPC(ctx, err)
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) }
