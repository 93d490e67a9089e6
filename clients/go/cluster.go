package penstock

import (
	"context"
	"strings"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// Cluster is the service with its nodes. Log is `embedded` or `kafka`.
type Cluster struct {
	ServiceID, Log        string
	LogAvailable          bool
	Nodes                 []Node
	Topologies, Relations int
}

// Node is a gateway with its workers.
type Node struct {
	ID, Address, Version string
	// State is SERVING, DRAINING or SILENT.
	State, Rack          string
	StartTime, HeardTime time.Time
	Workers              []string
}

// Cluster describes the service and its nodes.
func (c *Client) Cluster(ctx context.Context) (*Cluster, error) {
	response, err := call(ctx, c, c.Raw.Cluster.DescribeCluster, &pb.DescribeClusterRequest{}, repeatable, 0)
	if err != nil {
		return nil, err
	}
	out := &Cluster{
		ServiceID: response.GetServiceId(), Log: response.GetLog(), LogAvailable: response.GetLogAvailable(),
		Topologies: int(response.GetTopologies()), Relations: int(response.GetRelations()),
	}
	for _, node := range response.GetNodes() {
		out.Nodes = append(out.Nodes, Node{
			ID: node.GetId(), Address: node.GetAddress(), Version: node.GetVersion(), Rack: node.GetRack(),
			State:     strings.TrimPrefix(node.GetState().String(), "NODE_STATE_"),
			StartTime: node.GetStartTime().AsTime(), HeardTime: node.GetHeardTime().AsTime(), Workers: node.GetWorkers(),
		})
	}
	return out, nil
}

// DrainNode takes a node out of the service: its tasks and clients go to others, then its processes end. *UnknownServiceNodeError.
func (c *Client) DrainNode(ctx context.Context, node string) error {
	_, err := call(ctx, c, c.Raw.Cluster.DrainNode, &pb.DrainNodeRequest{Node: node}, repeatable, 0)
	return err
}

// Task is one partition of one sub-topology.
type Task struct {
	Topology, SubTopology string
	Partition             int
	// State is OPENING, RESTORING, RUNNING, PAUSED, FAILED, CLOSED or STUCK; UNSPECIFIED before its worker has reported.
	State, StateReason string
	Worker             string
	// Node has it; StandbyNodes have copies of its state.
	Node         string
	StandbyNodes []string
	// Lag is the number of input records that are not committed yet.
	Lag uint64
	// RestoreProgress is 0 to 1 while RESTORING, else nil.
	RestoreProgress *float64
	UpdateTime      time.Time
}

// Tasks are the tasks with their states, of one topology or, if it is empty, of all.
func (c *Client) Tasks(ctx context.Context, topology string) ([]Task, error) {
	response, err := call(ctx, c, c.Raw.Cluster.ListTasks, &pb.ListTasksRequest{Topology: topology}, repeatable, 0)
	var out []Task
	for _, task := range response.GetTasks() {
		out = append(out, Task{
			Topology: task.GetTopology(), SubTopology: task.GetSubTopology(), Partition: int(task.GetPartition()),
			State: strings.TrimPrefix(task.GetState().String(), "TASK_STATE_"), StateReason: task.GetStateReason(),
			Worker: task.GetWorker(), Node: task.GetNode(), StandbyNodes: task.GetStandbyNodes(), Lag: task.GetLag(),
			RestoreProgress: task.RestoreProgress, UpdateTime: task.GetUpdateTime().AsTime(),
		})
	}
	return out, err
}
