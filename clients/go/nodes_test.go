package penstock

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

const one, two = "127.0.0.1:1001", "127.0.0.1:1002"

func TestCallsGoToANodeThatIsThere(t *testing.T) {
	calls := 0
	there := &fake{getTopology: func(context.Context, *pb.GetTopologyRequest) (*pb.GetTopologyResponse, error) {
		calls++
		return &pb.GetTopologyResponse{}, nil
	}}
	client := serveAll(t, map[string]*fake{two: there}, one+", "+two)
	for range 2 {
		if _, err := client.Topology(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if at, _ := client.nodes.now(); at != two || calls != 2 {
		t.Errorf("at %s after %d calls", at, calls)
	}
}

func TestANodeThatCannotServeATaskIsNotLeft(t *testing.T) {
	restoring := &fake{getTopology: func(context.Context, *pb.GetTopologyRequest) (*pb.GetTopologyResponse, error) {
		return nil, refusal(codes.Unavailable, ReasonNotServing, "restoring")
	}}
	client := serveAll(t, map[string]*fake{one: restoring}, one, WithAddresses(two))
	if _, err := client.Topology(t.Context(), "x"); err == nil {
		t.Fatal("no error")
	}
	if at, _ := client.nodes.now(); at != one {
		t.Errorf("at %s", at)
	}
}

func TestASubscriptionGoesWhereADrainingNodeSays(t *testing.T) {
	from := make([]string, 0, 2)
	draining := &fake{subscribe: func(r *pb.SubscribeRequest, stream pushes) error {
		from = append(from, "one")
		pushSchema(stream)
		pushRows(stream, "p1", 1)
		end := &pb.End{Reason: pb.EndReason_END_REASON_NODE_DRAINING, Address: two}
		return stream.Send(&pb.SubscribeResponse{Event: &pb.Event{Event: &pb.Event_End{End: end}}})
	}}
	other := &fake{subscribe: func(r *pb.SubscribeRequest, stream pushes) error {
		from = append(from, "two after "+r.GetStart().GetAfter().GetValue())
		if len(from) == 2 {
			return status.Error(codes.Unavailable, "not yet") // then back to one, which names it again
		}
		pushSchema(stream)
		pushRows(stream, "p2", 2)
		pushEnd(stream, pb.EndReason_END_REASON_COMPLETED)
		return nil
	}}
	client := serveAll(t, map[string]*fake{one: draining, two: other}, one)
	var got []int64
	for row, err := range client.Subscribe(t.Context(), "x").Rows() {
		if err != nil {
			t.Fatal(err)
		}
		n, _ := Cell[int64](row, "n")
		got = append(got, n)
	}
	if !slices.Equal(from, []string{"one", "two after p1", "one", "two after p1"}) || !slices.Equal(got, []int64{1, 1, 2}) {
		t.Errorf("got %v, %v", from, got)
	}
}

func TestALookupGoesToTheOwnerThatAnAnswerNamedUntilThatIsGone(t *testing.T) {
	asked := map[string]int{}
	gone := false
	first := &fake{get: func(context.Context, *pb.GetRequest) (*pb.GetResponse, error) {
		asked[one]++
		return &pb.GetResponse{Owner: two}, nil
	}}
	owner := &fake{get: func(context.Context, *pb.GetRequest) (*pb.GetResponse, error) {
		asked[two]++
		if gone {
			return nil, refusal(codes.Unavailable, ReasonDraining, "it drains")
		}
		return &pb.GetResponse{}, nil
	}}
	client := serveAll(t, map[string]*fake{one: first, two: owner}, one)
	look := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			if _, err := client.Get(t.Context(), "x", key); err != nil {
				t.Fatal(err)
			}
		}
	}
	look("a", "a", "b", "a")
	if asked[one] != 2 || asked[two] != 2 {
		t.Errorf("the first of each key is passed on, the others go straight: %v", asked)
	}
	gone = true
	look("a", "a", "b")
	if asked[one] != 5 || asked[two] != 3 {
		t.Errorf("nobody goes back to a node that drains, though answers still name it: %v", asked)
	}
}

func TestAnOwnerThatSaysNothingIsWaitedForOnce(t *testing.T) {
	asked := map[string]int{}
	first := &fake{get: func(context.Context, *pb.GetRequest) (*pb.GetResponse, error) {
		asked[one]++
		return &pb.GetResponse{Owner: two}, nil
	}}
	silent := &fake{get: func(ctx context.Context, _ *pb.GetRequest) (*pb.GetResponse, error) {
		asked[two]++
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	client := serveAll(t, map[string]*fake{one: first, two: silent}, one)
	for range 4 {
		if _, err := client.Get(t.Context(), "x", "a"); err != nil {
			t.Fatal(err)
		}
	}
	if asked[one] != 4 || asked[two] != 1 {
		t.Errorf("%v", asked)
	}
}
