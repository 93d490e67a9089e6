package penstock

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// fake is a service in memory: a test sets the methods that it needs.
type fake struct {
	pb.UnimplementedTopologyServiceServer
	pb.UnimplementedCatalogServiceServer
	pb.UnimplementedAppendServiceServer
	pb.UnimplementedSubscriptionServiceServer
	pb.UnimplementedLookupServiceServer
	pb.UnimplementedSqlServiceServer

	getTopology  func(context.Context, *pb.GetTopologyRequest) (*pb.GetTopologyResponse, error)
	getRelation  func(context.Context, *pb.GetRelationRequest) (*pb.GetRelationResponse, error)
	get          func(context.Context, *pb.GetRequest) (*pb.GetResponse, error)
	append       func(context.Context, *pb.AppendRequest) (*pb.AppendResponse, error)
	appendStream func(grpc.BidiStreamingServer[pb.AppendStreamRequest, pb.AppendStreamResponse]) error
	subscribe    func(*pb.SubscribeRequest, grpc.ServerStreamingServer[pb.SubscribeResponse]) error
	scan         func(*pb.ScanRequest, grpc.ServerStreamingServer[pb.ScanResponse]) error
	execute      func(*pb.ExecuteRequest, grpc.ServerStreamingServer[pb.ExecuteResponse]) error
}

func (f *fake) GetTopology(ctx context.Context, r *pb.GetTopologyRequest) (*pb.GetTopologyResponse, error) {
	return f.getTopology(ctx, r)
}
func (f *fake) GetRelation(ctx context.Context, r *pb.GetRelationRequest) (*pb.GetRelationResponse, error) {
	return f.getRelation(ctx, r)
}
func (f *fake) Get(ctx context.Context, r *pb.GetRequest) (*pb.GetResponse, error) {
	return f.get(ctx, r)
}
func (f *fake) Append(ctx context.Context, r *pb.AppendRequest) (*pb.AppendResponse, error) {
	return f.append(ctx, r)
}
func (f *fake) AppendStream(s grpc.BidiStreamingServer[pb.AppendStreamRequest, pb.AppendStreamResponse]) error {
	return f.appendStream(s)
}
func (f *fake) Subscribe(r *pb.SubscribeRequest, s grpc.ServerStreamingServer[pb.SubscribeResponse]) error {
	return f.subscribe(r, s)
}
func (f *fake) Scan(r *pb.ScanRequest, s grpc.ServerStreamingServer[pb.ScanResponse]) error {
	return f.scan(r, s)
}
func (f *fake) Execute(r *pb.ExecuteRequest, s grpc.ServerStreamingServer[pb.ExecuteResponse]) error {
	return f.execute(r, s)
}

// start makes the fake listen in memory.
func (f *fake) start(t *testing.T) *bufconn.Listener {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	pb.RegisterTopologyServiceServer(server, f)
	pb.RegisterCatalogServiceServer(server, f)
	pb.RegisterAppendServiceServer(server, f)
	pb.RegisterSubscriptionServiceServer(server, f)
	pb.RegisterLookupServiceServer(server, f)
	pb.RegisterSqlServiceServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener
}

// serve is a client of the fake.
func serve(t *testing.T, service *fake, options ...Option) *Client {
	t.Helper()
	return serveAll(t, map[string]*fake{DefaultAddress: service}, DefaultAddress, options...)
}

// serveAll is a client of fakes by their addresses, which begins with one. Nobody is at other addresses.
func serveAll(t *testing.T, services map[string]*fake, first string, options ...Option) *Client {
	t.Helper()
	listeners := map[string]*bufconn.Listener{}
	for address, service := range services {
		listeners[address] = service.start(t)
	}
	options = append([]Option{
		WithRetry(Retry{Attempts: 3, First: time.Millisecond, Longest: 2 * time.Millisecond}),
		WithDialOptions(grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			if listener := listeners[address]; listener != nil {
				return listener.DialContext(ctx)
			}
			return nil, errors.New("nobody at " + address)
		})),
	}, options...)
	client, err := New(first, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// refusal is an error as the service gives it.
func refusal(code codes.Code, reason Reason, message string, more ...protoadapt.MessageV1) error {
	info := &errdetails.ErrorInfo{Reason: reasonPrefix + string(reason), Domain: errorDomain, Metadata: map[string]string{"relation": "X"}}
	out, err := status.New(code, message).WithDetails(append([]protoadapt.MessageV1{info}, more...)...)
	if err != nil {
		return err
	}
	return out.Err()
}

func retryInfo(delay time.Duration) protoadapt.MessageV1 {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}

// numbers is a batch of one BIGINT column N, and its schema.
func numbers(values ...int64) *pb.RowBatch {
	return &pb.RowBatch{RowCount: uint32(len(values)), Columns: []*pb.ColumnData{
		{Data: &pb.ColumnData_Longs{Longs: &pb.LongArray{Values: values}}},
	}}
}

func numberSchema() *pb.RowSchema {
	return &pb.RowSchema{Id: 1, Schema: &pb.Schema{Columns: []*pb.Column{{Name: "N", Type: &pb.Type{Kind: pb.TypeKind_TYPE_KIND_BIGINT}}}}}
}

func token(text string) *pb.PositionToken { return &pb.PositionToken{Value: text} }

// fromError is the status of an error.
func fromError(err error) *statuspb.Status { return status.Convert(err).Proto() }
