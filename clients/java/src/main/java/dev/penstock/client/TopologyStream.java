package dev.penstock.client;

import dev.penstock.v1.Branch;
import dev.penstock.v1.Merge;
import dev.penstock.v1.Processor;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A stream in a topology. */
public final class TopologyStream extends Output {

    TopologyStream(Topology topology, NodeDraft node, String port) {
        super(topology, node, port);
    }

    private TopologyStream of(NodeDraft added) {
        return new TopologyStream(topology, added, "");
    }

    /** Sets the name of the node that gives this stream. */
    public TopologyStream named(String name) {
        node.name = name;
        return this;
    }

    /** Keeps the rows for which a condition is true. */
    public TopologyStream filter(String where) {
        return of(filtered(where, false));
    }

    /** Keeps the rows for which a condition is false or null. */
    public TopologyStream filterNot(String where) {
        return of(filtered(where, true));
    }

    /** Computes the value columns; key columns stay. {@code *} stands for all. */
    public TopologyStream select(String... columns) {
        return of(selected(columns));
    }

    /** Makes a row of each element of an array: at least one column is EXPLODE(array). */
    public TopologyStream explode(String... columns) {
        NodeDraft added = then("explode");
        added.message.getExplodeBuilder().addAllColumns(projections(columns));
        return of(added);
    }

    /** Sets a new key. */
    public TopologyStream partitionBy(String... keys) {
        NodeDraft added = then("partition_by");
        added.message.getPartitionByBuilder().addAllKeys(projections(keys));
        return of(added);
    }

    /** Drops the key: its columns become value columns, and rows stay in their partitions. */
    public TopologyStream withoutKey() {
        NodeDraft added = then("without_key");
        added.message.getPartitionByBuilder().setWithoutKey(true);
        return of(added);
    }

    /** Sends rows through an internal topic with this number of partitions; 0 leaves it to the service. */
    public TopologyStream repartition(int partitions) {
        NodeDraft added = then("repartition");
        added.message.getRepartitionBuilder().setPartitions(partitions);
        return of(added);
    }

    /** Drops records of an id (the key, with the given expressions) that are within this time of one that passed. */
    public TopologyStream deduplicate(Duration within, String... ids) {
        NodeDraft added = then("deduplicate");
        added.message.getDeduplicateBuilder().setWithin(Times.message(within)).addAllIds(List.of(ids));
        return of(added);
    }

    /** As deduplicate(). grace: how late a record may be. */
    public TopologyStream deduplicate(Duration within, Duration grace, String... ids) {
        TopologyStream out = deduplicate(within, ids);
        out.node.message.getDeduplicateBuilder().setGrace(Times.message(grace));
        return out;
    }

    /** Writes some rows to the service's log as they pass, at most so many a second and task; all columns without any. */
    public TopologyStream peek(int maxPerSecond, String... columns) {
        NodeDraft added = then("peek");
        added.message.getPeekBuilder().setMaxPerSecond(maxPerSecond).addAllColumns(projections(columns));
        return of(added);
    }

    /** Unites with streams of the same columns. */
    public TopologyStream merge(TopologyStream... others) {
        NodeDraft added = then("merge", others);
        added.message.setMerge(Merge.getDefaultInstance());
        return of(added);
    }

    /** Sends each row to the first output whose condition holds, in the map's order; an empty condition takes the rest. The outputs by name. */
    public Map<String, TopologyStream> branch(Map<String, String> outputs) {
        NodeDraft added = then("branch");
        Branch.Builder branch = added.message.getBranchBuilder();
        Map<String, TopologyStream> out = new LinkedHashMap<>();
        outputs.forEach((name, where) -> {
            if (where.isEmpty()) {
                branch.setDefaultOutput(name);
            } else {
                branch.addOutputsBuilder().setName(name).setWhere(where);
            }
            out.put(name, new TopologyStream(topology, added, name));
        });
        return out;
    }

    /** Calls a plug-in of the service with the rows of this and other inputs. */
    public Processed process(String processor, Output... others) {
        return process(processor, Map.of(), Map.of(), others);
    }

    /** As process(). outputs: columns by output, in place of those that the plug-in declares; config: its settings. */
    public Processed process(String processor, Map<String, String> outputs, Map<String, String> config, Output... others) {
        NodeDraft added = then("process", others);
        Processor.Builder message = added.message.getProcessorBuilder().setProcessor(processor).putAllConfig(config);
        outputs.forEach((name, columns) -> message.addOutputsBuilder().setName(name).setSchema(Columns.parse(columns)));
        return new Processed(topology, added);
    }

    /** Sends the rows to programs of your own, which are workers, and commits what they make of them, exactly once. */
    public Processed processRemotely(Remote remote) {
        NodeDraft added = then("process");
        added.message.setRemoteProcessor(remote.message);
        return new Processed(topology, added);
    }

    /** Joins rows of the same key that are near in time. Without columns the result has all of both, as INPUT_COLUMN. */
    public TopologyStream join(TopologyStream other, StreamJoin how, String... columns) {
        NodeDraft added = then("join", other);
        added.message.setStreamStreamJoin(how.message.toBuilder().addAllColumns(projections(columns)));
        return of(added);
    }

    /** Joins the table's row of the same key; rows without one are dropped. */
    public TopologyStream join(TopologyTable table, String... columns) {
        return join(table, Join.INNER, null, columns);
    }

    /** Joins the table's row of the same key; without such a row the table's columns are null. */
    public TopologyStream leftJoin(TopologyTable table, String... columns) {
        return join(table, Join.LEFT, null, columns);
    }

    /** Joins the table's row. grace: how long rows wait for late ones of a versioned table, null not at all. */
    public TopologyStream join(TopologyTable table, Join kind, Duration grace, String... columns) {
        NodeDraft added = then("join", table);
        var join = added.message.getStreamTableJoinBuilder().setKind(kind.message).addAllColumns(projections(columns));
        if (grace != null) {
            join.setGrace(Times.message(grace));
        }
        return of(added);
    }

    /** Joins the row of a global table that keys name: expressions over this stream's row, without any its key. kind: INNER or LEFT. */
    public TopologyStream joinGlobal(TopologyGlobalTable table, Join kind, List<String> keys, String... columns) {
        NodeDraft added = then("join", table.whole);
        added.message.getStreamGlobalJoinBuilder().setKind(kind.message).addAllKeys(keys).addAllColumns(projections(columns));
        return of(added);
    }

    /** Reads the stream as changes: the newest row of each key. */
    public TopologyTable toTable() {
        NodeDraft added = then("to_table");
        added.message.getToTableBuilder();
        return new TopologyTable(topology, added);
    }

    /** As toTable(). history: how long earlier rows are kept; such a table is versioned. */
    public TopologyTable toTable(Duration history) {
        TopologyTable out = toTable();
        out.node.message.getToTableBuilder().setHistory(Times.message(history));
        return out;
    }
}
