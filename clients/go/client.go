package penstock

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// DefaultAddress is where a service listens unless told otherwise.
const DefaultAddress = "127.0.0.1:7550"

// Client is a connection to a service, opened at the first call and safe for many goroutines.
type Client struct {
	// Raw has the generated stubs, for what the client does not offer.
	Raw Raw
	// Session holds what SET and DEFINE changed, and the last position of this client's SQL.
	Session *Session

	nodes   *nodes
	retry   Retry
	timeout time.Duration

	closing context.Context
	close   func() error // once

	mutex     sync.Mutex
	relations map[string]*Relation // by the name that was asked for
}

// Raw is the generated stubs on the client's connection.
type Raw struct {
	Topology     pb.TopologyServiceClient
	Catalog      pb.CatalogServiceClient
	Append       pb.AppendServiceClient
	Subscription pb.SubscriptionServiceClient
	Lookup       pb.LookupServiceClient
	SQL          pb.SqlServiceClient
	Cluster      pb.ClusterServiceClient
	Registry     pb.RegistryServiceClient
}

// New makes a client for the service at address, `host:port`, or several nodes of it by comma, of which it uses one that is there. It does not wait for the service; the first call does.
func New(address string, options ...Option) (*Client, error) {
	settings := defaults(address)
	for _, option := range options {
		option(settings)
	}
	conn, err := nodesAt(settings.addresses, settings.connect)
	if err != nil {
		return nil, err
	}
	closing, cancel := context.WithCancel(context.Background())
	end := sync.OnceValue(func() error {
		cancel()
		return conn.close()
	})
	return &Client{
		Raw: Raw{
			pb.NewTopologyServiceClient(conn), pb.NewCatalogServiceClient(conn), pb.NewAppendServiceClient(conn),
			pb.NewSubscriptionServiceClient(conn), pb.NewLookupServiceClient(conn), pb.NewSqlServiceClient(conn),
			pb.NewClusterServiceClient(conn), pb.NewRegistryServiceClient(conn),
		},
		Session: &Session{}, nodes: conn, retry: settings.retry, timeout: settings.timeout,
		closing: closing, close: end, relations: map[string]*Relation{},
	}, nil
}

// Close ends every call, subscription, scan and appender of this client at once. It may be called again.
func (c *Client) Close() error { return c.close() }

// within is ctx, ended too when the client is closed. The function frees it.
func (c *Client) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.closing, func() { cancel(ErrClosed) })
	return ctx, func() { stop(); cancel(context.Canceled) }
}

// bounded is within, with the client's timeout where ctx has no deadline: for a call of many messages.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, free := c.within(ctx)
	if _, has := ctx.Deadline(); has {
		return ctx, free
	}
	ctx, stop := context.WithTimeout(ctx, c.timeout)
	return ctx, func() { stop(); free() }
}

// mayRepeat says how a unary call is made.
type mayRepeat bool

const (
	// repeatable: a repeat after an unknown outcome changes nothing.
	repeatable mayRepeat = true
	once       mayRepeat = false
)

// call makes a unary call, repeated while that helps and the deadline allows. extra: how long the service itself may wait, beyond the
// client's timeout, which holds where ctx has no deadline.
func call[Request, Response any](
	ctx context.Context, c *Client, method func(context.Context, Request, ...grpc.CallOption) (Response, error), request Request,
	repeat mayRepeat, extra time.Duration,
) (Response, error) {
	var none Response
	ctx, cancel := c.within(ctx)
	defer cancel()
	if _, has := ctx.Deadline(); !has {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.timeout+extra)
		defer stop()
	}
	deadline, _ := ctx.Deadline()
	for attempt := 1; ; attempt++ {
		response, err := method(ctx, request)
		if err == nil {
			return response, nil
		}
		if c.closing.Err() != nil {
			return none, ErrClosed
		}
		err = fromRPC(ctx, err)
		wait, again := c.retry.again(attempt, err)
		if !again || !bool(repeat) || time.Now().Add(wait).After(deadline) || sleep(ctx, wait) != nil {
			return none, err
		}
	}
}
