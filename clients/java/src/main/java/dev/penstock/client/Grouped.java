package dev.penstock.client;

import dev.penstock.v1.Aggregate;
import dev.penstock.v1.Emit;
import java.util.Arrays;
import java.util.List;

/** Grouped rows that wait for their aggregate. */
public final class Grouped extends Output {

    private final Window window;
    private final boolean last;

    Grouped(Topology topology, NodeDraft node, Window window) {
        this(topology, node, window, false);
    }

    private Grouped(Topology topology, NodeDraft node, Window window, boolean last) {
        super(topology, node, "");
        this.window = window;
        this.last = last;
    }

    /** Sets the node's name. */
    public Grouped named(String name) {
        node.name = name;
        return this;
    }

    /** Cuts time. */
    public Grouped window(Window cut) {
        return new Grouped(topology, node, cut, last);
    }

    /** Lets windows leave once, when they are closed, instead of with each change. */
    public Grouped emitFinal() {
        return new Grouped(topology, node, window, true);
    }

    /** Counts the rows of each group, in the column COUNT. */
    public TopologyTable count() {
        return aggregate("COUNT(*) AS COUNT");
    }

    /** Folds each group by aggregate expressions, such as {@code SUM(price) AS total}. */
    public TopologyTable aggregate(String... columns) {
        return aggregate(List.of(columns), List.of());
    }

    /** Folds each group by aggregate expressions, and behind them by folds; either list may be empty. */
    public TopologyTable aggregate(List<String> columns, List<Fold> folds) {
        return folded(then("aggregate"), columns, folds);
    }

    /** Folds the rows of this and other grouped streams into one table. The window is this one's. */
    public TopologyTable cogroup(List<Grouped> others, Fold... folds) {
        return folded(then("cogroup", others.toArray(Output[]::new)), List.of(), Arrays.asList(folds));
    }

    private TopologyTable folded(NodeDraft added, List<String> columns, List<Fold> folds) {
        Aggregate.Builder message = added.message.getAggregateBuilder().addAllColumns(projections(columns.toArray(String[]::new)));
        folds.forEach(fold -> message.addAccumulators(fold.message));
        if (window != null) {
            message.setWindow(window.message);
        }
        if (last) {
            message.setEmit(Emit.EMIT_FINAL);
        }
        return new TopologyTable(topology, added);
    }
}
