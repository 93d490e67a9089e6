package penstock

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"google.golang.org/grpc"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Worker serves functions and remote processors: topologies send the rows of their ProcessRemotely nodes to it, and commit what it makes of them exactly once.
type Worker struct {
	// Addresses are `host:port` of one node or of each: a worker dials every node that is to give it work.
	Addresses []string
	// Handlers are by the name of their processor.
	Handlers map[string]Handler
	// Functions are by name, `NAME/2` for another version than 1.
	Functions map[string]BatchFunc
	// MaxInFlight is how many bundles a connection may have at once; 0 means 4.
	MaxInFlight uint32
	// Parallel is how many handlers run at once, over all connections; 0 means as many as there are processors.
	Parallel int
	// Build is the program's version, for people.
	Build string
	// Options are those of New, for each connection.
	Options []Option
	// OnFailed is told of bundles and rows that a handler failed on, OnDropped of answers that were not taken. nil ignores them; the service
	// keeps what failed with its reason.
	OnFailed  func(node *ProcessorNode, reason string)
	OnDropped func(reason pb.DropReason, message string)
}

// Run serves until the context ends, which gives nil; bundles that are not answered go to other workers. A connection that is lost is made again.
// An error when the service refuses.
func (w *Worker) Run(ctx context.Context) error {
	if len(w.Handlers)+len(w.Functions) == 0 {
		return errors.New("penstock: a worker needs a handler or a function")
	}
	addresses := w.Addresses
	if len(addresses) == 0 {
		addresses = []string{DefaultAddress}
	}
	parallel := w.Parallel
	if parallel == 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	slots := make(chan struct{}, parallel)
	var all sync.WaitGroup
	for _, address := range addresses {
		client, err := New(address, w.Options...)
		if err != nil {
			return err
		}
		all.Add(1)
		go func() {
			defer all.Done()
			defer client.Close()
			if err := w.serve(running, client, slots); err != nil {
				stop(err)
			}
		}()
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(running)
}

// serve keeps one connection until the context ends; the error with which the service refuses.
func (w *Worker) serve(ctx context.Context, client *Client, slots chan struct{}) error {
	for attempt := 1; ; attempt++ {
		greeted, err := w.connection(ctx, client, slots)
		if ctx.Err() != nil {
			return nil
		}
		if !goesOn(err, greeted) {
			return err
		}
		if greeted {
			attempt = 1
		}
		_ = sleep(ctx, client.retry.wait(attempt, err))
	}
}

// connection makes one call and answers its bundles; whether anything came, and how it ended.
func (w *Worker) connection(ctx context.Context, client *Client, slots chan struct{}) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := pb.NewProcessorServiceClient(client.nodes).Process(ctx, grpc.WaitForReady(true))
	if err != nil {
		return false, fromRPC(ctx, err)
	}
	names := make([]string, 0, len(w.Handlers))
	for name := range w.Handlers {
		names = append(names, name)
	}
	slices.Sort(names)
	hello := &pb.WorkerHello{Processors: names, MaxInFlight: w.MaxInFlight, Build: w.Build, Timers: true}
	functions := map[string]BatchFunc{}
	for name, function := range w.Functions {
		offered, err := served(name)
		if err != nil {
			return false, err
		}
		hello.Functions = append(hello.Functions, offered)
		functions[fmt.Sprintf("%s/%d", offered.GetName(), offered.GetVersion())] = function
	}
	// A failed send shows in what is received.
	_ = stream.Send(&pb.ProcessRequest{Message: &pb.ProcessRequest_Hello{Hello: hello}})

	var answering sync.WaitGroup
	defer answering.Wait()
	defer cancel() // before the wait: answers to a connection that has ended are of no use
	var sending sync.Mutex
	nodes := map[uint64]*ProcessorNode{}
	for greeted := false; ; greeted = true {
		response, err := stream.Recv()
		if err != nil {
			return greeted, lost(ctx, err)
		}
		if message := response.GetNode(); message != nil {
			if nodes[message.GetId()], err = processorNode(message); err != nil {
				return greeted, err
			}
		}
		if dropped := response.GetDropped(); dropped != nil && w.OnDropped != nil {
			w.OnDropped(dropped.GetReason(), dropped.GetMessage())
		}
		message := response.GetBundle()
		if message == nil {
			continue
		}
		answering.Add(1)
		go func(node *ProcessorNode) {
			defer answering.Done()
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			defer func() { <-slots }()
			answer := w.answer(node, functions[node.function], message)
			sending.Lock()
			defer sending.Unlock()
			_ = stream.Send(answer)
		}(nodes[message.GetNode()])
	}
}

// answer is what a handler, or the function where there is one, makes of a bundle.
func (w *Worker) answer(node *ProcessorNode, function BatchFunc, message *pb.Bundle) *pb.ProcessRequest {
	var bundle *Bundle
	var result *pb.BundleResult
	var err error
	if function != nil {
		result, err = results(function, node, message)
	} else if bundle, err = bundleOf(node, message); err == nil {
		if err = process(w.Handlers[node.Processor], bundle); err == nil {
			result, err = bundle.result(message.GetLease(), message.GetBundle())
		}
	}
	if err == nil {
		return &pb.ProcessRequest{Message: &pb.ProcessRequest_Result{Result: result}}
	}
	failure := &pb.BundleFailure{Lease: message.GetLease(), Bundle: message.GetBundle(), Message: err.Error()}
	var bad *BadRows
	if errors.As(err, &bad) {
		for _, place := range bad.Rows {
			failure.PoisonRows = append(failure.PoisonRows, uint32(place))
		}
		for _, place := range bad.Timers {
			failure.PoisonTimers = append(failure.PoisonTimers, uint32(place))
		}
	}
	if w.OnFailed != nil {
		w.OnFailed(node, err.Error())
	}
	return &pb.ProcessRequest{Message: &pb.ProcessRequest_Failure{Failure: failure}}
}

// process calls a handler. A mistake of it, such as an unknown output, fails the bundle.
func process(handler Handler, bundle *Bundle) (err error) {
	defer recovered(&err)
	if err := handler.ProcessBundle(bundle); err != nil {
		return err
	}
	return bundle.wrong
}

// encodeRows is rows by column as a batch.
func encodeRows(schema *RowSchema, what string, rows []map[string]any, gone []bool) (*pb.RowBatch, error) {
	batch := &pb.RowBatch{SchemaId: schema.ID, RowCount: uint32(len(rows))}
	for _, column := range schema.Columns {
		cells := make([]any, len(rows))
		for i, row := range rows {
			cells[i] = row[column.Name]
		}
		data, err := encodeColumn(column.Type, plainCells(cells))
		if err != nil {
			return nil, fmt.Errorf("%s, column %s (%s): %w", what, column.Name, column.Type, err)
		}
		batch.Columns = append(batch.Columns, data)
	}
	if slices.Contains(gone, true) {
		for _, deleted := range gone {
			kind := pb.RowKind_ROW_KIND_UPSERT
			if deleted {
				kind = pb.RowKind_ROW_KIND_DELETE
			}
			batch.Kinds = append(batch.Kinds, kind)
		}
	}
	return batch, nil
}
