package dev.penstock.client;

import java.util.List;

/** What an update did, or with validateOnly() would do. */
public record TopologyUpdate(TopologyInfo topology, List<NodeChange> changes) {

    /** What it does to a node. effect: KEPT, ADDED, REBUILT or DROPPED; needsLeave: something is lost or computed anew. */
    public record NodeChange(String node, String effect, String reason, boolean needsLeave) {

        static NodeChange of(dev.penstock.v1.NodeChange message) {
            return new NodeChange(message.getNode(), Names.bare(message.getEffect(), "STATE_EFFECT_"), message.getReason(), message.getNeedsLeave());
        }
    }
}
