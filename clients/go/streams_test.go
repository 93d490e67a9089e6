package penstock

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

type (
	pushes  = grpc.ServerStreamingServer[pb.SubscribeResponse]
	appends = grpc.BidiStreamingServer[pb.AppendStreamRequest, pb.AppendStreamResponse]
)

func pushSchema(stream pushes) {
	_ = stream.Send(&pb.SubscribeResponse{Event: &pb.Event{Event: &pb.Event_Schema{Schema: numberSchema()}}})
}

func pushRows(stream pushes, position string, values ...int64) {
	rows := &pb.Rows{Batch: numbers(values...)}
	if position != "" {
		rows.Position = token(position)
	}
	_ = stream.Send(&pb.SubscribeResponse{Event: &pb.Event{Event: &pb.Event_Rows{Rows: rows}}})
}

func pushEnd(stream pushes, reason pb.EndReason) {
	end := &pb.End{Reason: reason}
	_ = stream.Send(&pb.SubscribeResponse{Event: &pb.Event{Event: &pb.Event_End{End: end}}})
}

func TestASubscriptionGoesOnAfterItsLastPosition(t *testing.T) {
	var requests []*pb.SubscribeRequest
	client := serve(t, &fake{subscribe: func(r *pb.SubscribeRequest, stream pushes) error {
		requests = append(requests, r)
		pushSchema(stream)
		switch len(requests) {
		case 1:
			pushRows(stream, "p1", 1, 2)
			pushRows(stream, "", 3)
			return status.Error(codes.Unavailable, "killed")
		case 2:
			pushEnd(stream, pb.EndReason_END_REASON_NODE_DRAINING)
			return nil
		}
		pushRows(stream, "p2", 3, 4)
		pushEnd(stream, pb.EndReason_END_REASON_COMPLETED)
		return nil
	}})
	subscription := client.Subscribe(t.Context(), "x", Limit(4))
	var kinds []string
	var got []int64
	for event, err := range subscription.Events() {
		if err != nil {
			t.Fatal(err)
		}
		switch event := event.(type) {
		case *Batch:
			for row := range event.Rows() {
				n, _ := Cell[int64](row, "n")
				got = append(got, n)
			}
		case *Reconnecting:
			kinds = append(kinds, "reconnecting after "+event.Position)
			if (event.Err == nil) != (len(kinds) == 2) {
				t.Errorf("got %v", event.Err)
			}
		case *Ended:
			kinds = append(kinds, event.Reason)
		}
	}
	if !slices.Equal(got, []int64{1, 2, 3, 3, 4}) || subscription.Position() != "p2" {
		t.Errorf("got %v, %s", got, subscription.Position())
	}
	if !reflect.DeepEqual(kinds, []string{"reconnecting after p1", "reconnecting after p1", "COMPLETED"}) {
		t.Errorf("got %v", kinds)
	}
	if len(requests) != 3 || requests[2].GetStart().GetAfter().GetValue() != "p1" || requests[0].GetLimit() != 4 || requests[2].GetLimit() != 2 {
		t.Errorf("got %v", requests)
	}
}

func TestAPositionIsSetBeforeTheLastRowOfItsBatch(t *testing.T) {
	client := serve(t, &fake{subscribe: func(_ *pb.SubscribeRequest, stream pushes) error {
		pushSchema(stream)
		pushRows(stream, "p1", 1, 2)
		<-stream.Context().Done()
		return nil
	}})
	subscription := client.Subscribe(t.Context(), "x")
	var positions []string
	for _, err := range subscription.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if positions = append(positions, subscription.Position()); len(positions) == 2 {
			break
		}
	}
	if !slices.Equal(positions, []string{"", "p1"}) {
		t.Errorf("got %v", positions)
	}
}

func TestWhatEndsASubscription(t *testing.T) {
	replaced, unavailable := 0, 0
	client := serve(t, &fake{subscribe: func(r *pb.SubscribeRequest, stream pushes) error {
		switch r.GetRelation() {
		case "replaced":
			replaced++
			pushEnd(stream, pb.EndReason_END_REASON_RELATION_REPLACED)
			return nil
		case "refused":
			return refusal(codes.OutOfRange, ReasonPositionExpired, "too old")
		}
		unavailable++
		return status.Error(codes.Unavailable, "nobody")
	}})
	last := func(relation string) error {
		for _, err := range client.Subscribe(t.Context(), relation).Rows() {
			return err
		}
		return nil
	}
	var replacedError *RelationReplacedError
	var expired *PositionExpiredError
	var unreachable *UnreachableError
	if err := last("replaced"); !errors.As(err, &replacedError) || replaced != 1 {
		t.Errorf("got %v", err)
	}
	if err := last("refused"); !errors.As(err, &expired) {
		t.Errorf("got %v", err)
	}
	// A subscription that never began gives up as any call does.
	if err := last("unavailable"); !errors.As(err, &unreachable) || unavailable != 3 {
		t.Errorf("got %v after %d calls", err, unavailable)
	}
}

func TestASubscriptionWhoseCredentialsExpiredGoesOnWithTheNext(t *testing.T) {
	var starts []string
	expired := refusal(codes.Unauthenticated, ReasonCredentialsInvalid, "no principal has this token")
	client := serve(t, &fake{subscribe: func(r *pb.SubscribeRequest, stream pushes) error {
		starts = append(starts, r.GetStart().GetAfter().GetValue())
		if len(starts) == 4 {
			return expired
		}
		pushSchema(stream)
		pushRows(stream, fmt.Sprint("p", len(starts)), int64(len(starts)))
		if len(starts) == 2 {
			pushEnd(stream, pb.EndReason_END_REASON_CREDENTIALS_EXPIRED)
			return nil
		}
		return expired
	}})
	var got []any
	var refused *CredentialsInvalidError
	for row, err := range client.Subscribe(t.Context(), "x").Rows() {
		if err != nil {
			if !errors.As(err, &refused) {
				t.Errorf("got %v", err)
			}
			break
		}
		got = append(got, row.Values()[0])
	}
	if refused == nil || !slices.Equal(starts, []string{"", "p1", "p2", "p3"}) || !slices.Equal(got, []any{int64(1), int64(2), int64(3)}) {
		t.Errorf("got %v after %v, %v", got, starts, refused)
	}
}

func TestAScanGoesOnAfterItsCursor(t *testing.T) {
	var cursors []string
	client := serve(t, &fake{scan: func(r *pb.ScanRequest, stream grpc.ServerStreamingServer[pb.ScanResponse]) error {
		cursors = append(cursors, r.GetCursor())
		if len(cursors) == 1 {
			_ = stream.Send(&pb.ScanResponse{Schema: numberSchema(), Rows: numbers(1, 2), Cursor: "c1"})
			return status.Error(codes.Unavailable, "killed")
		}
		return stream.Send(&pb.ScanResponse{Schema: numberSchema(), Rows: numbers(3, 4), Cursor: "c2", Position: token("p")})
	}})
	scan := client.Scan(t.Context(), "x", Limit(3), Between(Key{1}, nil))
	var got []int64
	for row, err := range scan.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		n, _ := Cell[int64](row, "n")
		got = append(got, n)
	}
	if !slices.Equal(got, []int64{1, 2, 3}) || !slices.Equal(cursors, []string{"", "c1"}) || scan.Position() != "p" {
		t.Errorf("got %v, %v, %s", got, cursors, scan.Position())
	}
}

func TestAnAppenderSendsAgainWhatWasNotAcknowledged(t *testing.T) {
	var sequences [][]uint64
	var included string // in the positions of the newest connection
	client := serve(t, &fake{appendStream: func(stream appends) error {
		connection := len(sequences)
		sequences = append(sequences, nil)
		open, err := stream.Recv()
		if err != nil || open.GetOpen().GetEpoch() != uint64(connection*7) || connection == 0 && open.GetOpen().GetPosition() != nil {
			return status.Errorf(codes.InvalidArgument, "opened %v", open)
		}
		included = open.GetOpen().GetPosition().GetValue()
		_ = stream.Send(&pb.AppendStreamResponse{Message: &pb.AppendStreamResponse_Opened{
			Opened: &pb.AppendOpened{LastSequence: 40, MaxInFlight: 2, Epoch: 7},
		}})
		for {
			request, err := stream.Recv()
			if err != nil {
				return nil
			}
			sequence := request.GetBatch().GetSequence()
			sequences[connection] = append(sequences[connection], sequence)
			if connection == 0 && sequence == 42 {
				return status.Error(codes.Unavailable, "killed")
			}
			_ = stream.Send(&pb.AppendStreamResponse{Message: &pb.AppendStreamResponse_Ack{
				Ack: &pb.AppendAck{Sequence: sequence, Position: token("p"), Appended: 1},
			}})
		}
	}})
	appender, err := client.Appender(t.Context(), "x", AsJSON(), Producer("till", 0))
	if err != nil {
		t.Fatal(err)
	}
	defer appender.Close()
	for n := range 5 {
		if err := appender.Append(t.Context(), Rows{{"n": n}}); err != nil {
			t.Fatal(err)
		}
	}
	position, err := appender.Flush(t.Context())
	last, _ := appender.LastSequence(t.Context())
	if err != nil || position != "p" || last != 45 || appender.Appended() != 5 {
		t.Errorf("got %s, %v, %d, %d", position, err, last, appender.Appended())
	}
	acknowledged := slices.Equal(sequences[1], []uint64{42, 43, 44, 45})
	if !acknowledged && !slices.Equal(sequences[1], []uint64{41, 42, 43, 44, 45}) || acknowledged != (included == "p") {
		t.Errorf("got %v, begun with %q", sequences, included)
	}
}

func TestARefusedBatchEndsTheAppender(t *testing.T) {
	client := serve(t, &fake{appendStream: func(stream appends) error {
		_, _ = stream.Recv()
		_ = stream.Send(&pb.AppendStreamResponse{Message: &pb.AppendStreamResponse_Opened{Opened: &pb.AppendOpened{}}})
		request, err := stream.Recv()
		if err != nil {
			return nil
		}
		_ = stream.Send(&pb.AppendStreamResponse{Message: &pb.AppendStreamResponse_Ack{Ack: &pb.AppendAck{
			Sequence:  request.GetBatch().GetSequence(),
			RowErrors: []*pb.RowError{{Error: fromError(refusal(codes.InvalidArgument, ReasonInvalidRow, "no number"))}},
		}}})
		<-stream.Context().Done()
		return nil
	}})
	appender, err := client.Appender(t.Context(), "x", AsJSON())
	if err != nil {
		t.Fatal(err)
	}
	defer appender.Close()
	if err := appender.Append(t.Context(), Rows{{"n": "a"}}); err != nil {
		t.Fatal(err)
	}
	var invalid *InvalidRowError
	if _, err := appender.Flush(t.Context()); !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
}

func TestAnAppenderThatWasClosed(t *testing.T) {
	client := serve(t, &fake{appendStream: func(stream appends) error {
		<-stream.Context().Done()
		return nil
	}})
	appender, err := client.Appender(t.Context(), "x", AsJSON())
	if err != nil {
		t.Fatal(err)
	}
	_ = appender.Close()
	if _, err := appender.Flush(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}
