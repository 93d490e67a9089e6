package penstock

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// TopicOffset is one record that was written straight to Kafka, as its producer returned it.
type TopicOffset struct {
	Topic     string
	Partition uint32
	Offset    uint64
}

// Start is where reading begins. The zero value is the default: a snapshot of tables, the end of streams.
type Start struct{ message *pb.StartPosition }

// Places to start.
var (
	// Earliest is the oldest record kept.
	Earliest = Start{&pb.StartPosition{Position: &pb.StartPosition_Earliest{Earliest: true}}}
	// Latest is the present end.
	Latest = Start{&pb.StartPosition{Position: &pb.StartPosition_Latest{Latest: true}}}
	// Snapshot is a table's present rows, then its changes.
	Snapshot = Start{&pb.StartPosition{Position: &pb.StartPosition_Snapshot{Snapshot: true}}}
)

// After is just behind a position.
func After(token string) Start {
	return Start{&pb.StartPosition{Position: &pb.StartPosition_After{After: &pb.PositionToken{Value: token}}}}
}

// AtTime is the first record with this rowtime or a later one.
func AtTime(instant time.Time) Start {
	return Start{&pb.StartPosition{Position: &pb.StartPosition_AtTime{AtTime: timestamppb.New(instant)}}}
}

func tokens(values []string) []*pb.PositionToken {
	var out []*pb.PositionToken
	for _, value := range values {
		if value != "" {
			out = append(out, &pb.PositionToken{Value: value})
		}
	}
	return out
}

// optional is a duration's message, absent for nil.
func optional(value *time.Duration) *durationpb.Duration {
	if value == nil {
		return nil
	}
	return durationpb.New(*value)
}

// unlessZero is a duration's message, absent for 0.
func unlessZero(value time.Duration) *durationpb.Duration {
	if value == 0 {
		return nil
	}
	return durationpb.New(value)
}
