package penstock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// nodes are the nodes of a service as one connection: calls go to one of them, and to the next when that one is gone. It is what the generated
// stubs call on.
type nodes struct {
	connect func(address string) (*grpc.ClientConn, error)

	mutex     sync.Mutex
	addresses []string
	conns     map[string]*grpc.ClientConn
	current   string
	owners    owners
}

func nodesAt(addresses []string, connect func(string) (*grpc.ClientConn, error)) (*nodes, error) {
	var found []string
	for _, given := range addresses {
		for _, address := range strings.Split(given, ",") {
			if address = strings.TrimSpace(address); address != "" {
				found = append(found, address)
			}
		}
	}
	if len(found) == 0 {
		return nil, errors.New("penstock: an address is host:port, several are separated by commas")
	}
	n := &nodes{connect: connect, addresses: found, conns: map[string]*grpc.ClientConn{}, current: found[0]}
	for _, address := range found {
		// What is wrong with any of them is said at once, not when the others are gone. grpc connects at the first call.
		if _, err := n.open(address); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	return n, nil
}

// open is called with the mutex held, or before the nodes are shared.
func (n *nodes) open(address string) (*grpc.ClientConn, error) {
	if conn := n.conns[address]; conn != nil {
		return conn, nil
	}
	conn, err := n.connect(address)
	if err != nil {
		return nil, fmt.Errorf("penstock: %s: %w", address, err)
	}
	n.conns[address] = conn
	return conn, nil
}

// now is the current node's address and connection.
func (n *nodes) now() (string, *grpc.ClientConn) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.current, n.conns[n.current]
}

// elsewhere are reasons for which another node may do better, besides not being reached.
var elsewhere = []Reason{"", ReasonDraining, ReasonLogUnavailable}

// leave is told that a call to an address has failed: later ones go to the next, if that may do better and nobody has moved on already.
func (n *nodes) leave(address string, err error) {
	failure := asError(fromRPC(context.Background(), err))
	if failure == nil || failure.Code != codes.Unavailable || !slices.Contains(elsewhere, failure.Reason) {
		return
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if address == n.current {
		n.current = n.addresses[(slices.Index(n.addresses, address)+1)%len(n.addresses)]
	}
}

// move goes to the node that the service names. One that may not be used by this client's means is left aside.
func (n *nodes) move(address string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if address == "" {
		return
	}
	if _, err := n.open(address); err != nil {
		return
	}
	if !slices.Contains(n.addresses, address) {
		n.addresses = append(n.addresses, address)
	}
	n.current = address
}

func (n *nodes) close() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	var failed []error
	for _, conn := range n.conns {
		failed = append(failed, conn.Close())
	}
	return errors.Join(failed...)
}

// Invoke makes a unary call on the current node, of a key on its owner.
func (n *nodes) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	if request, ok := args.(*pb.GetRequest); ok {
		return n.lookUp(ctx, method, request, reply, options)
	}
	return n.ask(ctx, method, args, reply, options)
}

func (n *nodes) ask(ctx context.Context, method string, args, reply any, options []grpc.CallOption) error {
	address, conn := n.now()
	err := conn.Invoke(ctx, method, args, reply, options...)
	if err != nil {
		n.leave(address, err)
	}
	return err
}

// NewStream opens a stream to the current node.
func (n *nodes) NewStream(
	ctx context.Context, desc *grpc.StreamDesc, method string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	address, conn := n.now()
	stream, err := conn.NewStream(ctx, desc, method, options...)
	if err != nil {
		n.leave(address, err)
		return nil, err
	}
	return &nodeStream{stream, n, address}, nil
}

// nodeStream tells its nodes when it breaks.
type nodeStream struct {
	grpc.ClientStream
	nodes   *nodes
	address string
}

func (s *nodeStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err != nil && !isEnd(err) {
		s.nodes.leave(s.address, err)
	}
	return err
}
