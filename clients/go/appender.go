package penstock

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Appender writes batches in order, many on their way at once; after a broken connection they are sent again, and written once. It is safe for
// many goroutines. A refused batch ends it: the next call says why.
type Appender struct {
	client   *Client
	relation string
	how      appending
	ctx      context.Context
	cancel   context.CancelFunc
	finished chan struct{} // closed when its goroutine has ended

	mutex   sync.Mutex
	changed chan struct{} // closed and replaced when anything below changes
	state   appendState
	send    func(*pb.AppendStreamRequest) error // of the present connection, nil without one
	failed  error
}

type appendStream = grpc.BidiStreamingClient[pb.AppendStreamRequest, pb.AppendStreamResponse]

// Appender opens a stream of appends to a relation, for as long as ctx; Close frees it. A Producer of your own lets a new process go on after
// LastSequence; its sequence is not used.
func (c *Client) Appender(ctx context.Context, relation string, options ...AppendOption) (*Appender, error) {
	how := appendingOf(options)
	if how.producer == "" {
		how.producer = rand.Text()
	}
	if !how.asJSON {
		if _, err := c.known(ctx, relation); err != nil {
			return nil, err
		}
	}
	ctx, cancel := c.within(ctx)
	appender := &Appender{
		client: c, relation: relation, how: how, ctx: ctx, cancel: cancel, finished: make(chan struct{}), changed: make(chan struct{}),
		state: appendState{producer: how.producer, retry: c.retry, skipInvalid: how.skipInvalid, maxInFlight: 1},
	}
	go appender.run()
	return appender, nil
}

// ProducerID is under which sequences count.
func (a *Appender) ProducerID() string { return a.how.producer }

// LastSequence is the sequence of the newest batch that was handed in; before the first, what the service has of this producer.
func (a *Appender) LastSequence(ctx context.Context) (uint64, error) {
	var out uint64
	err := a.await(ctx, func() bool { out = a.state.sequence; return a.state.started })
	return out, err
}

// Append hands in one batch. It waits only while as many are on their way as the service takes.
func (a *Appender) Append(ctx context.Context, rows Rows) error {
	batch, err := a.client.batch(ctx, a.relation, rows, a.how)
	if err != nil {
		return err
	}
	a.how.mark(batch)
	return a.await(ctx, func() bool {
		if !a.state.room() {
			return false
		}
		request := a.state.add(batch)
		// A failed send shows in the receiving goroutine, which opens another connection and sends what waits.
		_ = a.send(request)
		return true
	})
}

// Flush waits until every batch is durable; the position that includes them all.
func (a *Appender) Flush(ctx context.Context) (string, error) {
	position := ""
	err := a.await(ctx, func() bool { position = a.state.position; return len(a.state.waiting) == 0 })
	return position, err
}

// Appended is the number of rows acknowledged so far.
func (a *Appender) Appended() int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.state.appended
}

// Close ends it at once; batches without an acknowledgement may or may not have been written. Flush first to know.
func (a *Appender) Close() error {
	a.cancel()
	<-a.finished
	return nil
}

// await waits until a condition holds, which is asked with the mutex held, or the appender or ctx has ended.
func (a *Appender) await(ctx context.Context, condition func() bool) error {
	for {
		a.mutex.Lock()
		changed, failed := a.changed, a.failed
		if failed != nil {
			a.mutex.Unlock()
			return failed
		}
		done := condition()
		a.mutex.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("penstock: the service has not acknowledged: %w", ctx.Err())
		}
	}
}

// change alters the state and wakes who waits.
func (a *Appender) change(alter func()) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	alter()
	close(a.changed)
	a.changed = make(chan struct{})
}

// run connects, takes acknowledgements, and connects again.
func (a *Appender) run() {
	defer close(a.finished)
	for {
		err := a.connection()
		var wait time.Duration
		a.change(func() {
			a.send = nil
			if a.ctx.Err() != nil {
				a.failed = ErrClosed
			} else {
				wait, a.failed = a.state.broke(err)
			}
		})
		if a.failed != nil {
			return
		}
		_ = sleep(a.ctx, wait) // when it was closed meanwhile, the next connection ends at once
	}
}

// connection opens one stream and takes its answers until it breaks.
func (a *Appender) connection() error {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	stream, err := a.client.Raw.Append.AppendStream(ctx)
	if err != nil {
		return fromRPC(ctx, err)
	}
	if err := stream.Send(a.state.open()); err != nil && !isEnd(err) {
		return fromRPC(ctx, err)
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return lost(ctx, err)
		}
		var refused error
		a.change(func() { refused = a.take(stream, response) })
		if refused != nil {
			return refused
		}
	}
}

// take is called with the mutex held, so that batches that waited are sent before new ones.
func (a *Appender) take(stream appendStream, response *pb.AppendStreamResponse) error {
	if opened := response.GetOpened(); opened != nil {
		for _, request := range a.state.opened(opened) {
			if err := stream.Send(request); err != nil {
				return lost(stream.Context(), err)
			}
		}
		a.send = stream.Send
		return nil
	}
	return a.state.acknowledge(response.GetAck())
}
