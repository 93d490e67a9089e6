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
	StartTime            time.Time
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
		out.Nodes = append(out.Nodes, Node{node.GetId(), node.GetAddress(), node.GetVersion(), node.GetStartTime().AsTime(), node.GetWorkers()})
	}
	return out, nil
}

// Task is one partition of one sub-topology.
type Task struct {
	Topology, SubTopology string
	Partition             int
	// State is OPENING, RESTORING, RUNNING, PAUSED, FAILED, CLOSED or STUCK; UNSPECIFIED before its worker has reported.
	State, StateReason string
	Worker             string
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
			task.GetTopology(), task.GetSubTopology(), int(task.GetPartition()), strings.TrimPrefix(task.GetState().String(), "TASK_STATE_"),
			task.GetStateReason(), task.GetWorker(), task.GetLag(), task.RestoreProgress, task.GetUpdateTime().AsTime(),
		})
	}
	return out, err
}
