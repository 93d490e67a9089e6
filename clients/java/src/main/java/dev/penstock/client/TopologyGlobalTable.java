package dev.penstock.client;

/** A table that every worker has whole; streams join it with joinGlobal(). */
public final class TopologyGlobalTable {

    final TopologyTable whole;

    TopologyGlobalTable(Topology topology, Output.NodeDraft node) {
        whole = new TopologyTable(topology, node);
    }

    /** Sets the node's name. */
    public TopologyGlobalTable named(String name) {
        whole.named(name);
        return this;
    }
}
