package penstock

import (
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Remote is a remote processor: rows go to programs that serve it, which are Workers.
type Remote struct {
	// Processor is the name that the programs register.
	Processor string
	// Outputs and Stores are columns by name; of a store without its key, which is that of the rows.
	Outputs, Stores map[string]string
	Config          map[string]string
	// KeepsKey says that rows of every output have the key of the row that caused them.
	KeepsKey bool
	// BundleRows is how many rows a bundle has at most; 0 means 1000.
	BundleRows uint32
	// BundleTimeout is after how long without an answer a bundle goes to another program; 0 means 30 s.
	BundleTimeout time.Duration
	// MaxAttempts is how often a bundle that fails as a whole is tried; 0 means without an end.
	MaxAttempts uint32
	// Timers says that the programs may set timers: a handler that does is a Timed.
	Timers bool
}

// ProcessRemotely sends the rows to programs of your own and commits what they make of them, exactly once.
func (s *Stream) ProcessRemotely(remote Remote) *Processed {
	added := s.then("process")
	message := &pb.RemoteProcessor{
		Processor: remote.Processor, Config: remote.Config, BundleRows: remote.BundleRows, BundleTimeout: unlessZero(remote.BundleTimeout),
		MaxAttempts: remote.MaxAttempts, Timers: remote.Timers,
	}
	for _, declared := range sortedTexts(remote.Outputs) {
		schema, err := parseColumns(declared.value)
		s.topology.fail(err)
		message.Outputs = append(message.Outputs, &pb.ProcessorOutput{Name: declared.name, Schema: schema, KeepsKey: remote.KeepsKey})
	}
	for _, declared := range sortedTexts(remote.Stores) {
		schema, err := parseColumns(declared.value)
		s.topology.fail(err)
		message.Stores = append(message.Stores, &pb.RemoteStore{Name: declared.name, Schema: schema})
	}
	added.message.Operator = &pb.Node_RemoteProcessor{RemoteProcessor: message}
	return &Processed{s.of(added)}
}
