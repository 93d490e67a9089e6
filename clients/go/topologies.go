package penstock

import (
	"context"
	"iter"
	"strings"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Definition is what is registered: a *Topology, or a message by DefinitionOf.
type Definition interface {
	// Message is the definition's message. An error says what was built wrongly.
	Message() (*pb.Topology, error)
}

// DefinitionOf makes a message a Definition.
func DefinitionOf(message *pb.Topology) Definition { return written{message} }

type written struct{ message *pb.Topology }

func (w written) Message() (*pb.Topology, error) { return w.message, nil }

// TopologyState is what a topology does.
type TopologyState string

// The states of topologies.
const (
	Starting TopologyState = "STARTING"
	Running  TopologyState = "RUNNING"
	Paused   TopologyState = "PAUSED"
	Failed   TopologyState = "FAILED"
)

// TopologyInfo is a registered topology.
type TopologyInfo struct {
	Name  string
	State TopologyState
	// StateReason says why it is FAILED or STARTING.
	StateReason string
	// Version grows by one with each reset and each update.
	Version      uint64
	ETag         string
	RegisterTime time.Time
	// Relations are the names it publishes.
	Relations  []string
	Definition *pb.Topology
	// Position makes a later call see the change that was made.
	Position string
	// Warnings of RegisterTopology are things that work but are likely not meant.
	Warnings []string
}

func topologyOf(message *pb.RegisteredTopology, position *pb.PositionToken) *TopologyInfo {
	return &TopologyInfo{
		Name: message.GetTopology().GetName(), State: TopologyState(strings.TrimPrefix(message.GetState().String(), "TOPOLOGY_STATE_")),
		StateReason: message.GetStateReason(), Version: message.GetVersion(), ETag: message.GetEtag(),
		RegisterTime: message.GetRegisterTime().AsTime(), Relations: message.GetRelations(), Definition: message.GetTopology(),
		Position: position.GetValue(),
	}
}

// RegisterOptions are settings of RegisterTopology.
type RegisterOptions struct {
	// Wait answers only when the topology is RUNNING or FAILED, at most this long; 0 answers at once.
	Wait time.Duration
	// ValidateOnly checks and plans, and creates nothing.
	ValidateOnly bool
}

// RegisterTopology registers a definition; an equal one again is answered as the first time.
func (c *Client) RegisterTopology(ctx context.Context, definition Definition, options RegisterOptions) (*TopologyInfo, error) {
	message, err := definition.Message()
	if err != nil {
		return nil, err
	}
	request := &pb.RegisterTopologyRequest{Topology: message, ValidateOnly: options.ValidateOnly, Wait: unlessZero(options.Wait)}
	response, err := call(ctx, c, c.Raw.Topology.RegisterTopology, request, repeatable, options.Wait)
	if err != nil {
		return nil, err
	}
	info := topologyOf(response.GetTopology(), response.GetPosition())
	info.Warnings = response.GetWarnings()
	return info, nil
}

// UpdateOptions are settings of UpdateTopology.
type UpdateOptions struct {
	// ETag must be the present one, else *EtagMismatchError; empty means any.
	ETag string
	// ValidateOnly answers the changes and changes nothing.
	ValidateOnly bool
	// AllowRebuild accepts that state is computed anew, AllowDrop that state is given up.
	AllowRebuild, AllowDrop bool
	// RebuildAddedColumns computes added aggregate columns from the beginning.
	RebuildAddedColumns bool
	// Wait as in RegisterOptions.
	Wait time.Duration
}

// NodeChange is what an update does to a node. Effect is KEPT, ADDED, REBUILT or DROPPED; NeedsLeave says that something is lost or computed
// anew.
type NodeChange struct {
	Node, Effect, Reason string
	NeedsLeave           bool
}

// UpdateTopology gives a topology another definition; it goes on with the state that stays meaningful. *UpdateNeedsLeaveError.
func (c *Client) UpdateTopology(ctx context.Context, definition Definition, options UpdateOptions) (*TopologyInfo, []NodeChange, error) {
	message, err := definition.Message()
	if err != nil {
		return nil, nil, err
	}
	response, err := call(ctx, c, c.Raw.Topology.UpdateTopology, &pb.UpdateTopologyRequest{
		Topology: message, Etag: options.ETag, ValidateOnly: options.ValidateOnly, AllowRebuild: options.AllowRebuild,
		AllowDrop: options.AllowDrop, RebuildAddedColumns: options.RebuildAddedColumns, Wait: unlessZero(options.Wait),
	}, repeatable, options.Wait)
	if err != nil {
		return nil, nil, err
	}
	var changes []NodeChange
	for _, change := range response.GetChanges() {
		effect := strings.TrimPrefix(change.GetEffect().String(), "STATE_EFFECT_")
		changes = append(changes, NodeChange{change.GetNode(), effect, change.GetReason(), change.GetNeedsLeave()})
	}
	return topologyOf(response.GetTopology(), response.GetPosition()), changes, nil
}

// Topology describes a registered topology. *UnknownTopologyError.
func (c *Client) Topology(ctx context.Context, name string) (*TopologyInfo, error) {
	response, err := call(ctx, c, c.Raw.Topology.GetTopology, &pb.GetTopologyRequest{Name: name}, repeatable, 0)
	if err != nil {
		return nil, err
	}
	return topologyOf(response.GetTopology(), nil), nil
}

// Topologies are all registered topologies by name.
func (c *Client) Topologies(ctx context.Context) iter.Seq2[*TopologyInfo, error] {
	return pages(func(token string) ([]*pb.RegisteredTopology, string, error) {
		request := &pb.ListTopologiesRequest{PageSize: pageSize, PageToken: token}
		response, err := call(ctx, c, c.Raw.Topology.ListTopologies, request, repeatable, 0)
		return response.GetTopologies(), response.GetNextPageToken(), err
	}, func(message *pb.RegisteredTopology) (*TopologyInfo, error) { return topologyOf(message, nil), nil })
}

// DeleteTopology stops a topology and deletes its state; the position is returned.
func (c *Client) DeleteTopology(ctx context.Context, name string, options DropOptions) (string, error) {
	request := &pb.DeleteTopologyRequest{Name: name, Etag: options.ETag, DeleteTopics: options.Topics}
	response, err := call(ctx, c, c.Raw.Topology.DeleteTopology, request, once, 0)
	return response.GetPosition().GetValue(), err
}

// PauseTopology stops processing at a commit; lookups go on.
func (c *Client) PauseTopology(ctx context.Context, name string) (*TopologyInfo, error) {
	response, err := call(ctx, c, c.Raw.Topology.PauseTopology, &pb.PauseTopologyRequest{Name: name}, repeatable, 0)
	if err != nil {
		return nil, err
	}
	return topologyOf(response.GetTopology(), response.GetPosition()), nil
}

// ResumeTopology goes on where the topology was paused, and tries failed tasks again.
func (c *Client) ResumeTopology(ctx context.Context, name string) (*TopologyInfo, error) {
	response, err := call(ctx, c, c.Raw.Topology.ResumeTopology, &pb.ResumeTopologyRequest{Name: name}, repeatable, 0)
	if err != nil {
		return nil, err
	}
	return topologyOf(response.GetTopology(), response.GetPosition()), nil
}

// ResetOptions are settings of ResetTopology.
type ResetOptions struct {
	// ETag must be the present one, else *EtagMismatchError; empty means any.
	ETag string
	// Start is where every source begins this time; the zero value is as its definition says.
	Start Start
}

// ResetTopology forgets state and positions of a paused topology, which begins anew when it is resumed. *TopologyNotPausedError.
func (c *Client) ResetTopology(ctx context.Context, name string, options ResetOptions) (*TopologyInfo, error) {
	request := &pb.ResetTopologyRequest{Name: name, Etag: options.ETag, Start: options.Start.message}
	response, err := call(ctx, c, c.Raw.Topology.ResetTopology, request, once, 0)
	if err != nil {
		return nil, err
	}
	return topologyOf(response.GetTopology(), response.GetPosition()), nil
}

// ReplayOptions choose dead letters.
type ReplayOptions struct {
	// Where is a condition over the columns of `topology.dead_letter`; Reason is a part of the letters' reason. Empty means all.
	Where, Reason string
	// ValidateOnly counts and replays nothing.
	ValidateOnly bool
}

// Replay says what became of the chosen dead letters: replayed now, replayed before, or without a record that could be processed again.
type Replay struct{ Replayed, Before, Impossible uint64 }

// ReplayDeadLetters has dead letters processed again, each once, by the tasks that failed on them.
func (c *Client) ReplayDeadLetters(ctx context.Context, topology string, options ReplayOptions) (Replay, error) {
	request := &pb.ReplayDeadLettersRequest{
		Topology: topology, Where: options.Where, Reason: options.Reason, ValidateOnly: options.ValidateOnly,
	}
	response, err := call(ctx, c, c.Raw.Topology.ReplayDeadLetters, request, once, 0)
	return Replay{response.GetReplayed(), response.GetReplayedBefore(), response.GetImpossible()}, err
}

// Explain shows the plan of a registered topology as text; with source also the generated Python.
func (c *Client) Explain(ctx context.Context, name string, source bool) (string, error) {
	return c.explain(ctx, &pb.ExplainTopologyRequest{Target: &pb.ExplainTopologyRequest_Name{Name: name}, Source: source})
}

// ExplainDefinition shows the plan of a definition, which is checked and not registered.
func (c *Client) ExplainDefinition(ctx context.Context, definition Definition, source bool) (string, error) {
	message, err := definition.Message()
	if err != nil {
		return "", err
	}
	return c.explain(ctx, &pb.ExplainTopologyRequest{Target: &pb.ExplainTopologyRequest_Topology{Topology: message}, Source: source})
}

func (c *Client) explain(ctx context.Context, request *pb.ExplainTopologyRequest) (string, error) {
	response, err := call(ctx, c, c.Raw.Topology.ExplainTopology, request, repeatable, 0)
	return response.GetText(), err
}
