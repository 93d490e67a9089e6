package penstock

import (
	"fmt"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// appendState is which batches of a stream of appends wait for their acknowledgement, and what follows each answer, without I/O. Each batch has
// a sequence under the producer's id, so that sending it again after a broken connection writes nothing twice.
type appendState struct {
	producer    string
	retry       Retry
	skipInvalid bool

	waiting     []*pb.AppendBatch // oldest first
	sequence    uint64
	epoch       uint64 // of the service, once opened: who opens the same producer later ends this one
	maxInFlight int
	attempt     int
	ready       bool // opened by the present connection
	started     bool // opened by any: last_sequence is known
	position    string
	appended    int
}

// open is the first message of a connection.
func (s *appendState) open() *pb.AppendStreamRequest {
	open := &pb.AppendOpen{ProducerId: s.producer, Epoch: s.epoch}
	if s.position != "" {
		open.Position = &pb.PositionToken{Value: s.position}
	}
	return &pb.AppendStreamRequest{Message: &pb.AppendStreamRequest_Open{Open: open}}
}

// room says whether one more batch may be sent now.
func (s *appendState) room() bool { return s.ready && len(s.waiting) < s.maxInFlight }

// add makes a batch wait from now on, and is its message.
func (s *appendState) add(batch *pb.AppendBatch) *pb.AppendStreamRequest {
	s.sequence++
	batch.Sequence = s.sequence
	s.waiting = append(s.waiting, batch)
	return batchMessage(batch)
}

func batchMessage(batch *pb.AppendBatch) *pb.AppendStreamRequest {
	return &pb.AppendStreamRequest{Message: &pb.AppendStreamRequest_Batch{Batch: batch}}
}

// opened is what to send after the service has opened the stream: all that waits. Batches that were written although their acknowledgement was
// lost are among them: the answer `duplicate` has their position.
func (s *appendState) opened(answer *pb.AppendOpened) []*pb.AppendStreamRequest {
	s.attempt, s.ready = 0, true
	s.epoch = answer.GetEpoch()
	s.maxInFlight = max(1, int(answer.GetMaxInFlight()))
	if !s.started {
		s.started = true
		s.sequence = answer.GetLastSequence()
	}
	out := make([]*pb.AppendStreamRequest, len(s.waiting))
	for i, batch := range s.waiting {
		out[i] = batchMessage(batch)
	}
	return out
}

// acknowledge takes the answer to the oldest batch. An error for one that was refused.
func (s *appendState) acknowledge(ack *pb.AppendAck) error {
	s.attempt = 0
	if len(s.waiting) == 0 || s.waiting[0].GetSequence() != ack.GetSequence() {
		return fmt.Errorf("penstock: acknowledgement %d does not follow the batches that were sent", ack.GetSequence())
	}
	s.waiting[0] = nil
	s.waiting = s.waiting[1:]
	result, err := acknowledged(ack, s.skipInvalid)
	if err != nil {
		return err
	}
	s.position = result.Position
	s.appended += result.Rows
	return nil
}

// broke is the time until the next connection, or the error when a repeat does not help.
func (s *appendState) broke(err error) (time.Duration, error) {
	accepted := s.ready
	s.attempt++
	s.ready = false
	if !goesOn(err, accepted) || !s.started && s.attempt >= s.retry.Attempts {
		return 0, err
	}
	return s.retry.wait(s.attempt, err), nil
}
