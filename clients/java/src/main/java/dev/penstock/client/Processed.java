package dev.penstock.client;

/** A processor in a topology. What it keeps is looked up as {@code topology.node.store}. */
public final class Processed {

    private final Topology topology;
    private final Output.NodeDraft node;

    Processed(Topology topology, Output.NodeDraft node) {
        this.topology = topology;
        this.node = node;
    }

    /** Sets the node's name. */
    public Processed named(String name) {
        node.name = name;
        return this;
    }

    /** One of its outputs. */
    public TopologyStream output(String name) {
        return new TopologyStream(topology, node, name);
    }
}
