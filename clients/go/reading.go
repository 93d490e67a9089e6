package penstock

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// ReadOption narrows down a lookup, a scan, a subscription or a query. One that a call does not take is an error of that call.
type ReadOption struct {
	name  string
	calls reader
	apply func(*reading)
}

// reader is a set of calls.
type reader int

const (
	readGet reader = 1 << iota
	readWindows
	readBatchGet
	readScan
	readSubscribe
	readQuery

	readLookups = readGet | readWindows | readBatchGet | readScan
)

func (r reader) String() string {
	return map[reader]string{
		readGet: "Get", readWindows: "GetWindows", readBatchGet: "BatchGet", readScan: "Scan", readSubscribe: "Subscribe", readQuery: "Query",
	}[r]
}

// reading is what the options say.
type reading struct {
	columns        []string
	where          string
	parameters     Parameters
	limit          uint64
	tokens         []string
	offsets        []*pb.TopicOffset
	maxWait        *time.Duration
	stale          *time.Duration
	asOf           *timestamppb.Timestamp
	windows        *pb.WindowRange
	prefix         any
	from, to       any
	ranged         bool
	cursor         string
	start          Start
	until          *pb.Until
	partitions     []uint32
	maxBatchRows   uint32
	maxLinger      *time.Duration
	progressPeriod *time.Duration
	resume         string
}

func readingOf(call reader, options []ReadOption) (*reading, error) {
	out := &reading{}
	for _, option := range options {
		if option.calls&call == 0 {
			return nil, fmt.Errorf("penstock: %v takes no %s", call, option.name)
		}
		option.apply(out)
	}
	if out.stale != nil && out.freshness() {
		return nil, fmt.Errorf("penstock: give AtLeast or Stale, not both")
	}
	return out, nil
}

func (r *reading) freshness() bool { return len(r.tokens) > 0 || len(r.offsets) > 0 }

// consistency is how fresh the answer must be; nil means committed.
func (r *reading) consistency() *pb.Consistency {
	if r.stale != nil {
		return &pb.Consistency{Level: &pb.Consistency_Stale{Stale: &pb.Stale{MaxStaleness: durationpb.New(*r.stale)}}}
	}
	if !r.freshness() {
		return nil
	}
	return &pb.Consistency{Level: &pb.Consistency_AtLeast{AtLeast: &pb.AtLeast{
		Positions: tokens(r.tokens), Offsets: r.offsets, MaxWait: optional(r.maxWait),
	}}}
}

// patience is how long the service itself may wait.
func (r *reading) patience() time.Duration {
	if r.maxWait == nil {
		return 0
	}
	return *r.maxWait
}

// Columns are the columns wanted, in this order. Key and window columns of a table are always sent.
func Columns(names ...string) ReadOption {
	return ReadOption{"Columns", readLookups | readSubscribe, func(r *reading) { r.columns = append(r.columns, names...) }}
}

// Where is a BOOLEAN expression that keeps rows. A row of a subscribed table that stops matching arrives as deleted.
func Where(expression string) ReadOption {
	return ReadOption{"Where", readScan | readSubscribe, func(r *reading) { r.where = expression }}
}

// With gives the values of `:name` in Where or a query.
func With(parameters Parameters) ReadOption {
	return ReadOption{"With", readScan | readSubscribe | readQuery, func(r *reading) { r.parameters = parameters }}
}

// Limit ends the call after that many rows.
func Limit(rows uint64) ReadOption {
	return ReadOption{"Limit", readScan | readSubscribe | readQuery, func(r *reading) { r.limit = rows }}
}

// AtLeast asks for an answer that includes what these positions stand for, such as an append's. *PositionNotReachedError when it does not in
// time. Empty tokens are left out.
func AtLeast(positions ...string) ReadOption {
	return ReadOption{"AtLeast", readLookups | readQuery, func(r *reading) { r.tokens = append(r.tokens, positions...) }}
}

// AtLeastOffsets is AtLeast for records that were written straight to Kafka.
func AtLeastOffsets(records ...TopicOffset) ReadOption {
	return ReadOption{"AtLeastOffsets", readLookups | readQuery, func(r *reading) {
		for _, record := range records {
			r.offsets = append(r.offsets, &pb.TopicOffset{Topic: record.Topic, Partition: record.Partition, Offset: record.Offset})
		}
	}}
}

// MaxWait bounds the waiting for AtLeast; 5 s otherwise.
func MaxWait(wait time.Duration) ReadOption {
	return ReadOption{"MaxWait", readLookups | readQuery, func(r *reading) { r.maxWait = &wait }}
}

// Stale accepts an answer of a task that does not run, if its last commit is at most this old.
func Stale(age time.Duration) ReadOption {
	return ReadOption{"Stale", readLookups, func(r *reading) { r.stale = &age }}
}

// AsOf asks a versioned table for the row that was valid at this ROWTIME.
func AsOf(instant time.Time) ReadOption {
	return ReadOption{"AsOf", readGet | readBatchGet, func(r *reading) { r.asOf = timestamppb.New(instant) }}
}

// Windows restricts a windowed table to windows that start between these times, both inclusive; a zero time is no bound.
func Windows(from, to time.Time) ReadOption {
	return ReadOption{"Windows", readWindows | readScan, func(r *reading) {
		r.windows = &pb.WindowRange{StartFrom: unlessZeroTime(from), StartTo: unlessZeroTime(to)}
	}}
}

func unlessZeroTime(instant time.Time) *timestamppb.Timestamp {
	if instant.IsZero() {
		return nil
	}
	return timestamppb.New(instant)
}

// Prefix restricts a scan to keys that begin with these columns.
func Prefix(key any) ReadOption {
	return ReadOption{"Prefix", readScan, func(r *reading) { r.prefix, r.ranged = key, true }}
}

// Between restricts a scan to keys between two bounds, both inclusive; nil is no bound.
func Between(from, to any) ReadOption {
	return ReadOption{"Between", readScan, func(r *reading) { r.from, r.to, r.ranged = from, to, true }}
}

// Cursor goes on after an earlier scan of the same relation and conditions.
func Cursor(cursor string) ReadOption {
	return ReadOption{"Cursor", readScan, func(r *reading) { r.cursor = cursor }}
}

// From is where a subscription starts.
func From(start Start) ReadOption {
	return ReadOption{"From", readSubscribe, func(r *reading) { r.start = start }}
}

// UntilEnd ends a subscription at the present end of the log.
func UntilEnd() ReadOption {
	return ReadOption{"UntilEnd", readSubscribe, func(r *reading) { r.until = &pb.Until{Until: &pb.Until_CurrentEnd{CurrentEnd: true}} }}
}

// Until ends a subscription at a position.
func Until(token string) ReadOption {
	return ReadOption{"Until", readSubscribe, func(r *reading) {
		r.until = &pb.Until{Until: &pb.Until_Position{Position: &pb.PositionToken{Value: token}}}
	}}
}

// Partitions restricts a subscription to these.
func Partitions(partitions ...uint32) ReadOption {
	return ReadOption{"Partitions", readSubscribe, func(r *reading) { r.partitions = partitions }}
}

// MaxBatchRows bounds a subscription's batches, 1 to 65536; 500 otherwise.
func MaxBatchRows(rows uint32) ReadOption {
	return ReadOption{"MaxBatchRows", readSubscribe, func(r *reading) { r.maxBatchRows = rows }}
}

// MaxLinger is how long rows wait for company, at most 1 s; 5 ms otherwise.
func MaxLinger(wait time.Duration) ReadOption {
	return ReadOption{"MaxLinger", readSubscribe, func(r *reading) { r.maxLinger = &wait }}
}

// ProgressInterval is the longest silence, 100 ms to 1 h; 10 s otherwise.
func ProgressInterval(interval time.Duration) ReadOption {
	return ReadOption{"ProgressInterval", readSubscribe | readQuery, func(r *reading) { r.progressPeriod = &interval }}
}

// Resume goes on after an earlier position of the same push query.
func Resume(token string) ReadOption {
	return ReadOption{"Resume", readQuery, func(r *reading) { r.resume = token }}
}
