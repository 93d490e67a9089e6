package dev.penstock.client;

import dev.penstock.v1.ClusterNode;
import dev.penstock.v1.DescribeClusterResponse;
import java.time.Instant;
import java.util.List;

/** The service with its nodes. log: embedded or kafka. */
public record Cluster(String serviceId, String log, boolean logAvailable, List<Node> nodes, int topologies, int relations) {

    /** A gateway with its workers. state: SERVING, DRAINING or SILENT. */
    public record Node(
            String id, String address, String version, String state, String rack, Instant startTime, Instant heardTime, List<String> workers) {

        static Node of(ClusterNode message) {
            return new Node(
                    message.getId(), message.getAddress(), message.getVersion(), Names.bare(message.getState(), "NODE_STATE_"), message.getRack(),
                    Times.instant(message.getStartTime()), Times.instant(message.getHeardTime()), List.copyOf(message.getWorkersList()));
        }
    }

    static Cluster of(DescribeClusterResponse message) {
        return new Cluster(
                message.getServiceId(), message.getLog(), message.getLogAvailable(), message.getNodesList().stream().map(Node::of).toList(),
                message.getTopologies(), message.getRelations());
    }
}
