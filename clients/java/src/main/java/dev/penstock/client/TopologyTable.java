package dev.penstock.client;

import dev.penstock.v1.Suppress;
import dev.penstock.v1.TableTableJoin;
import dev.penstock.v1.ToStream;
import dev.penstock.v1.WhenFull;
import java.time.Duration;

/** A table in a topology. Materialised ones can be looked up as {@code topology.node}. */
public final class TopologyTable extends Output {

    TopologyTable(Topology topology, NodeDraft node) {
        super(topology, node, "");
    }

    private TopologyTable of(NodeDraft added) {
        return new TopologyTable(topology, added);
    }

    /** Sets the name of the node that gives this table. */
    public TopologyTable named(String name) {
        node.name = name;
        return this;
    }

    /** Keeps the rows for which a condition is true; one that stops matching is deleted. */
    public TopologyTable filter(String where) {
        return of(filtered(where, false));
    }

    /** Keeps the rows for which a condition is false or null. */
    public TopologyTable filterNot(String where) {
        return of(filtered(where, true));
    }

    /** Computes the value columns. */
    public TopologyTable select(String... columns) {
        return of(selected(columns));
    }

    /** Joins rows of the same key. */
    public TopologyTable join(TopologyTable other, String... columns) {
        return join(other, Join.INNER, columns);
    }

    /** Joins rows of the same key: for unmatched rows that stay, the other table's columns are null. */
    public TopologyTable join(TopologyTable other, Join kind, String... columns) {
        return joined(other, TableTableJoin.newBuilder().setKind(kind.message).addAllColumns(projections(columns)));
    }

    /** Joins each row with the other table's row that an expression over this one's row names. kind: INNER or LEFT. */
    public TopologyTable joinForeign(TopologyTable other, Join kind, String foreignKey, String... columns) {
        return joined(other, TableTableJoin.newBuilder().setKind(kind.message).setForeignKey(foreignKey).addAllColumns(projections(columns)));
    }

    private TopologyTable joined(TopologyTable other, TableTableJoin.Builder join) {
        NodeDraft added = then("join", other);
        added.message.setTableTableJoin(join);
        return of(added);
    }

    /** Holds back updates of a windowed table, so that of each window the last leaves when it is closed. */
    public TopologyTable suppressUntilWindowCloses() {
        return suppressed(Suppress.newBuilder().setWindowCloses(true), 0, 0, WhenFull.WHEN_FULL_UNSPECIFIED);
    }

    /** Holds back updates, so that of each key the newest leaves, this long after the first, in the time of the rows. */
    public TopologyTable suppress(Duration limit) {
        return suppress(limit, 0, 0, WhenFull.WHEN_FULL_UNSPECIFIED);
    }

    /** As suppress(limit) with bounds, where 0 is none; over one, whenFull says whether the longest waiting leaves early or the task fails. */
    public TopologyTable suppress(Duration limit, long maxRecords, long maxBytes, WhenFull whenFull) {
        return suppressed(Suppress.newBuilder().setTimeLimit(Times.message(limit)), maxRecords, maxBytes, whenFull);
    }

    /** As suppressUntilWindowCloses() with bounds. */
    public TopologyTable suppressUntilWindowCloses(long maxRecords, long maxBytes, WhenFull whenFull) {
        return suppressed(Suppress.newBuilder().setWindowCloses(true), maxRecords, maxBytes, whenFull);
    }

    private TopologyTable suppressed(Suppress.Builder message, long maxRecords, long maxBytes, WhenFull whenFull) {
        NodeDraft added = then("suppress");
        added.message.setSuppress(message.setMaxRecords(maxRecords).setMaxBytes(maxBytes).setWhenFull(whenFull));
        return of(added);
    }

    /** Reads the changes as records. */
    public TopologyStream toStream() {
        NodeDraft added = then("to_stream");
        added.message.setToStream(ToStream.getDefaultInstance());
        return new TopologyStream(topology, added, "");
    }
}
