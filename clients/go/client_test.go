package penstock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

func TestErrorsHaveTheTypeOfTheirReason(t *testing.T) {
	client := serve(t, &fake{getRelation: func(context.Context, *pb.GetRelationRequest) (*pb.GetRelationResponse, error) {
		return nil, refusal(codes.NotFound, ReasonUnknownRelation, "there is no X",
			&pb.ExpressionError{Field: "sql", Node: "n", Start: 3, End: 5, Message: "here"})
	}})
	_, err := client.Relation(t.Context(), "X")
	var unknown *UnknownRelationError
	var failure *Error
	if !errors.As(err, &unknown) || !errors.As(err, &failure) {
		t.Fatalf("got %T %v", err, err)
	}
	place := ExpressionPlace{"sql", "n", 3, 5, "here"}
	if failure.Reason != ReasonUnknownRelation || failure.Code != codes.NotFound || unknown.Metadata["relation"] != "X" || *failure.Expression != place {
		t.Errorf("got %+v", failure)
	}
	if err.Error() != "penstock: UNKNOWN_RELATION: there is no X" {
		t.Errorf("got %v", err)
	}
}

func TestEveryReasonHasItsType(t *testing.T) {
	for number, name := range pb.ErrorReason_name {
		reason := Reason(strings.TrimPrefix(name, reasonPrefix))
		if err := typed(&Error{Reason: reason}); number != 0 && asError(err) == err {
			t.Errorf("%s has no type", reason)
		}
	}
	if err := typed(&Error{Reason: "OF_A_NEWER_SERVICE"}); asError(err) != err {
		t.Errorf("got %T", err)
	}
}

func TestUnaryCallsAreRepeatedWhereThatChangesNothing(t *testing.T) {
	calls := 0
	service := &fake{
		getTopology: func(context.Context, *pb.GetTopologyRequest) (*pb.GetTopologyResponse, error) {
			if calls++; calls < 3 {
				return nil, refusal(codes.Unavailable, ReasonDraining, "stopping", retryInfo(20*time.Millisecond))
			}
			return &pb.GetTopologyResponse{Topology: &pb.RegisteredTopology{State: pb.TopologyState_TOPOLOGY_STATE_RUNNING}}, nil
		},
		append: func(context.Context, *pb.AppendRequest) (*pb.AppendResponse, error) {
			calls++
			return nil, refusal(codes.Unavailable, ReasonLogUnavailable, "no log")
		},
	}
	client := serve(t, service)
	began := time.Now()
	info, err := client.Topology(t.Context(), "x")
	if err != nil || info.State != Running || time.Since(began) < 40*time.Millisecond {
		t.Errorf("got %v, %v after %v", info, err, time.Since(began))
	}
	for wanted, options := range map[int][]AppendOption{1: {AsJSON()}, 3: {AsJSON(), Producer("p", 1)}} {
		calls = 0
		_, err := client.Append(t.Context(), "x", Rows{{"n": 1}}, options...)
		var log *LogUnavailableError
		if !errors.As(err, &log) || calls != wanted {
			t.Errorf("got %v after %d calls, not %d", err, calls, wanted)
		}
	}
}

func TestDeadlinesAndCancellation(t *testing.T) {
	client := serve(t, &fake{getTopology: func(ctx context.Context, _ *pb.GetTopologyRequest) (*pb.GetTopologyResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}, WithTimeout(30*time.Millisecond))
	_, err := client.Topology(t.Context(), "x")
	var late *DeadlineExceededError
	if !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %T %v", err, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := client.Topology(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %T %v", err, err)
	}
}

func TestCloseEndsCallsAndStreams(t *testing.T) {
	client := serve(t, &fake{
		getTopology: func(ctx context.Context, _ *pb.GetTopologyRequest) (*pb.GetTopologyResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		subscribe: func(_ *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse]) error {
			<-stream.Context().Done()
			return nil
		},
	})
	time.AfterFunc(20*time.Millisecond, func() { _ = client.Close() })
	done := make(chan error)
	go func() { _, err := client.Topology(t.Context(), "x"); done <- err }()
	for _, err := range client.Subscribe(t.Context(), "x").Rows() {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := client.Topology(t.Context(), "x"); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := client.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func TestATokenFileIsReadAgainWhenItChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	give := TokenFile(path)
	for _, wanted := range []string{"one", "two"} {
		write(wanted + "\n")
		for range 2 {
			if token, err := give(t.Context()); token != wanted || err != nil {
				t.Errorf("got %q, %v", token, err)
			}
		}
	}
	write("token: three")
	if _, err := give(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing else") {
		t.Errorf("got %v", err)
	}
}

func TestNobodyThere(t *testing.T) {
	client, err := New("127.0.0.1:1", WithRetry(Retry{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var unreachable *UnreachableError
	if _, err := client.Topology(t.Context(), "x"); !errors.As(err, &unreachable) || unreachable.Code != codes.Unavailable {
		t.Errorf("got %T %v", err, err)
	}
}

func TestTokensAndTraceContextAreSent(t *testing.T) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	defer otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator())
	var got metadata.MD
	client := serve(t, &fake{getTopology: func(ctx context.Context, _ *pb.GetTopologyRequest) (*pb.GetTopologyResponse, error) {
		got, _ = metadata.FromIncomingContext(ctx)
		return &pb.GetTopologyResponse{}, nil
	}}, WithToken(func(context.Context) (string, error) { return "t1", nil }))
	parent := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{"traceparent": parent})
	if _, err := client.Topology(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if got.Get("authorization")[0] != "Bearer t1" || got.Get("traceparent")[0] != parent {
		t.Errorf("got %v", got)
	}
	if _, err := New("10.0.0.1:7550", WithToken(func(context.Context) (string, error) { return "t1", nil })); err == nil {
		t.Error("a token would travel in plain text")
	}
}

func TestOptionsThatACallDoesNotTake(t *testing.T) {
	client := serve(t, &fake{})
	if _, err := client.Get(t.Context(), "x", 1, Where("a")); err == nil || err.Error() != "penstock: Get takes no Where" {
		t.Errorf("got %v", err)
	}
	for _, err := range client.Subscribe(t.Context(), "x", AtLeast("t")).Rows() {
		if err == nil || err.Error() != "penstock: Subscribe takes no AtLeast" {
			t.Errorf("got %v", err)
		}
	}
}

func TestRefusedRows(t *testing.T) {
	answer := &pb.AppendAck{RowErrors: []*pb.RowError{{Row: 1, Error: fromError(refusal(codes.InvalidArgument, ReasonInvalidRow, "no number"))}}}
	client := serve(t, &fake{append: func(context.Context, *pb.AppendRequest) (*pb.AppendResponse, error) {
		return &pb.AppendResponse{Ack: answer}, nil
	}})
	_, err := client.Append(t.Context(), "x", Rows{{"n": 1}, {"n": "a"}}, AsJSON())
	var invalid *InvalidRowError
	if !errors.As(err, &invalid) || invalid.RowErrors[0].Row != 1 || !strings.Contains(err.Error(), "row 1: no number") {
		t.Errorf("got %v", err)
	}
	result, err := client.Append(t.Context(), "x", Rows{{"n": 1}, {"n": "a"}}, AsJSON(), SkipInvalid())
	if err != nil || len(result.RowErrors) != 1 || result.RowErrors[0].Reason != ReasonInvalidRow {
		t.Errorf("got %v, %v", result, err)
	}
}

func TestSQLKeepsItsSessionAndRaisesErrorsInBand(t *testing.T) {
	var sessions []*pb.ExecuteRequest
	client := serve(t, &fake{execute: func(r *pb.ExecuteRequest, stream grpc.ServerStreamingServer[pb.ExecuteResponse]) error {
		sessions = append(sessions, r)
		session := &pb.SqlSession{Properties: map[string]string{"a": "1"}}
		_ = stream.Send(&pb.ExecuteResponse{Result: &pb.ExecuteResponse_Session{Session: session}, Position: token("p1")})
		return stream.Send(&pb.ExecuteResponse{Index: 1, Result: &pb.ExecuteResponse_Error{
			Error: fromError(refusal(codes.InvalidArgument, ReasonInvalidExpression, "no statement")),
		}})
	}})
	for range 2 {
		results, err := client.SQL(t.Context(), "SET 'a'='1'; FOO;")
		var invalid *InvalidExpressionError
		if len(results) != 1 || !errors.As(err, &invalid) {
			t.Errorf("got %v, %v", results, err)
		}
	}
	if sessions[1].GetSession().GetProperties()["a"] != "1" || sessions[1].GetPositions()[0].GetValue() != "p1" {
		t.Errorf("got %v", sessions[1])
	}
}

func TestPushQueriesAreTold(t *testing.T) {
	for sql, push := range map[string]bool{
		"SELECT * FROM x EMIT CHANGES;": true, "select a from x emit\n final": true, "SELECT * FROM x;": false,
		"SELECT 'EMIT CHANGES' FROM x -- EMIT CHANGES\n;": false,
	} {
		if isPush(sql) != push {
			t.Errorf("%q", sql)
		}
	}
}
