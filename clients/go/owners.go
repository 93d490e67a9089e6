package penstock

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

const (
	mostOwners = 100_000
	// firstCall is how long a node that was never reached may take for what a nearer one would have passed on.
	firstCall = time.Second
	// shunFor is how long no lookup goes straight to a node that did not answer one.
	shunFor = time.Minute
)

// owners are the nodes that have the tasks of keys, as the answers of lookups name them: the next lookup of a key goes straight there.
type owners struct {
	mutex   sync.Mutex
	nodes   map[string]string
	reached map[string]bool
	shunned map[string]time.Time
}

// keyOf is the key of a lookup as a text; empty for one that cannot be written, with which the call fails too.
func keyOf(request *pb.GetRequest) string {
	place, _ := proto.MarshalOptions{Deterministic: true}.Marshal(&pb.GetRequest{Relation: request.GetRelation(), Key: request.GetKey()})
	return string(place)
}

// of is the owner of a lookup's key, empty when it is not known, and whether it has answered before.
func (o *owners) of(request *pb.GetRequest) (string, bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if len(o.nodes) == 0 {
		return "", false
	}
	owner := o.nodes[keyOf(request)]
	return owner, o.reached[owner]
}

func (o *owners) learn(request *pb.GetRequest, owner string) {
	if owner == "" {
		return
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if time.Now().Before(o.shunned[owner]) {
		return
	}
	if o.nodes == nil || len(o.nodes) >= mostOwners {
		o.nodes = map[string]string{}
	}
	o.nodes[keyOf(request)] = owner
}

func (o *owners) answered(owner string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.reached == nil {
		o.reached = map[string]bool{}
	}
	o.reached[owner] = true
}

func (o *owners) shun(owner string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.shunned == nil {
		o.shunned = map[string]time.Time{}
	}
	o.shunned[owner] = time.Now().Add(shunFor)
	delete(o.reached, owner)
	for key, node := range o.nodes {
		if node == owner {
			delete(o.nodes, key)
		}
	}
}

// lookUp asks the owner of the key, where an answer has named it and it answers, else the current node, which passes the call on.
func (n *nodes) lookUp(ctx context.Context, method string, request *pb.GetRequest, reply any, options []grpc.CallOption) error {
	owner, reached := n.owners.of(request)
	current, _ := n.now()
	var err error
	if owner == "" || owner == current {
		err = n.ask(ctx, method, request, reply, options)
	} else if err = n.straight(ctx, owner, reached, method, request, reply, options); errors.Is(err, errMissed) {
		n.owners.shun(owner)
		err = n.ask(ctx, method, request, reply, options)
	}
	if response, ok := reply.(*pb.GetResponse); ok && err == nil {
		n.owners.learn(request, response.GetOwner())
	}
	return err
}

// errMissed says that a node was not reached, or cannot answer though another one may.
var errMissed = errors.New("missed")

func (n *nodes) straight(
	ctx context.Context, owner string, reached bool, method string, request, reply any, options []grpc.CallOption,
) error {
	n.mutex.Lock()
	conn, err := n.open(owner)
	n.mutex.Unlock()
	if err != nil {
		return errMissed // not by this client's means
	}
	patient := ctx
	if !reached {
		var cancel context.CancelFunc
		patient, cancel = context.WithTimeout(ctx, firstCall)
		defer cancel()
	}
	if err = conn.Invoke(patient, method, request, reply, options...); err == nil {
		n.owners.answered(owner)
		return nil
	}
	failure := asError(fromRPC(context.Background(), err))
	if failure == nil {
		return err
	}
	// A node that cannot be reached may say nothing at all.
	silent := failure.Code == codes.DeadlineExceeded && failure.Reason == ReasonDeadlineExceeded
	away := failure.Code == codes.Unavailable && slices.Contains(elsewhere, failure.Reason)
	switch {
	case !silent && !away:
		return err
	case ctx.Err() != nil:
		if silent && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			n.owners.shun(owner)
		}
		return err
	}
	return errMissed
}
