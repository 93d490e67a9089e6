package dev.penstock.client;

import dev.penstock.v1.BundleResult;
import dev.penstock.v1.NamedRows;
import dev.penstock.v1.OutputRows;
import dev.penstock.v1.RowBatch;
import dev.penstock.v1.RowKind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Rows of one partition in order, the state of their keys, and what comes of them. */
public final class Bundle {

    private record Sent(int cause, Map<String, Object> row, Map<String, Object> key, Instant timestamp) {
    }

    private final ProcessorNode node;
    private final Batch rows;
    private final int partition;
    private final int attempt;
    private final List<Integer> keys;
    private final Map<String, Map<Object, Map<String, Object>>> before = new HashMap<>(); // by store and key
    private final Map<String, Map<Object, Map<String, Object>>> after = new LinkedHashMap<>(); // a null row is deleted
    private final Map<String, Map<Object, Key>> changedKeys = new HashMap<>();
    private final Map<String, List<Sent>> sent = new LinkedHashMap<>();

    Bundle(ProcessorNode node, Batch rows, int partition, int attempt) {
        this.node = node;
        this.rows = rows;
        this.partition = partition;
        this.attempt = attempt;
        this.keys = node.keys();
    }

    static Bundle of(ProcessorNode node, dev.penstock.v1.Bundle message) {
        Bundle out = new Bundle(node, Batch.of(node.input(), message.getRows(), "", false), message.getPartition(), message.getAttempt());
        message.getStateList().forEach(named -> out.prefetched(
                named.getName(), Batch.of(out.store(named.getName()), named.getRows(), "", false)));
        return out;
    }

    /** A store's rows of the bundle's keys, key columns first. */
    void prefetched(String store, Batch state) {
        Map<Object, Map<String, Object>> byKey = new HashMap<>();
        for (Row row : state) {
            Map<String, Object> cells = row.toMap();
            byKey.put(identity(new ArrayList<>(cells.values()).subList(0, keys.size())), cells);
        }
        before.put(store, byKey);
    }

    /** Topology, node, config and columns. */
    public ProcessorNode node() {
        return node;
    }

    /** The input rows; a deleted one has a null value. Their last column is ROWTIME. */
    public Batch rows() {
        return rows;
    }

    /** The partition of the input. */
    public int partition() {
        return partition;
    }

    /** 1, and more when the bundle was given out before. */
    public int attempt() {
        return attempt;
    }

    /** One row's place: its key, its state and where its rows go. */
    public Place at(int place) {
        return new Place(place);
    }

    /** The key of a row, by its place. */
    public Key key(int place) {
        List<Object> values = new ArrayList<>(keys.size());
        keys.forEach(column -> values.add(rows.cell(column, place)));
        return new Key(values);
    }

    /** The row of a key in a store as this bundle has left it so far, by column; null when there is none. */
    public Map<String, Object> state(String store, Key key) {
        store(store);
        Object id = identity(key.values());
        Map<Object, Map<String, Object>> changed = after.getOrDefault(store, Map.of());
        return changed.containsKey(id) ? changed.get(id) : before.getOrDefault(store, Map.of()).get(id);
    }

    /** Sets the row of a key in a store; null deletes it. The key must be one of the bundle's rows. */
    public void put(String store, Key key, Map<String, ?> row) {
        RowSchema schema = store(store);
        Map<String, Object> whole = null;
        if (row != null) {
            whole = named(schema, "store " + store, row);
            for (int i = 0; i < keys.size(); i++) {
                whole.put(schema.columns().get(i).name(), key.values().get(i));
            }
        }
        after.computeIfAbsent(store, name -> new LinkedHashMap<>()).put(identity(key.values()), whole);
        changedKeys.computeIfAbsent(store, name -> new HashMap<>()).putIfAbsent(identity(key.values()), key);
    }

    /** Gives a row to an output; null sends a null value. cause: the place of the row that caused it, whose key columns it has where it names no others. */
    public void send(String output, Map<String, ?> row, int cause) {
        send(output, row, cause, Map.of(), null);
    }

    /** As send(). key: key columns, for a null value too; timestamp: the ROWTIME, null for that of the row that caused it. */
    public void send(String output, Map<String, ?> row, int cause, Map<String, ?> key, Instant timestamp) {
        RowSchema schema = output(output);
        if (cause < 0 || cause >= rows.size()) {
            throw new IllegalArgumentException("cause " + cause + " is no row of the bundle, which has " + rows.size());
        }
        String what = "output " + output;
        sent.computeIfAbsent(output, name -> new ArrayList<>()).add(
                new Sent(cause, row == null ? null : named(schema, what, row), named(schema, what, key), timestamp));
    }

    /** The rows of an output in the order of their causes, with all their columns but ROWTIME; null for a null value. For tests. */
    public List<Map<String, Object>> sent(String output) {
        RowSchema schema = output(output);
        List<Map<String, Object>> out = new ArrayList<>();
        for (Sent one : ordered(output)) {
            Map<String, Object> whole = complete(schema, one);
            schema.columns().stream().filter(column -> column.role() == Column.Role.META).forEach(column -> whole.remove(column.name()));
            out.add(one.row() == null ? null : whole);
        }
        return out;
    }

    private RowSchema store(String name) {
        return found(node.stores(), "store", name);
    }

    private RowSchema output(String name) {
        return found(node.outputs(), "output", name);
    }

    private RowSchema found(Map<String, RowSchema> there, String what, String name) {
        RowSchema schema = there.get(name);
        if (schema == null) {
            throw Names.unknown(node.node() + " has no " + what + " " + name, there.keySet());
        }
        return schema;
    }

    /** A copy of a row with the columns' own names. */
    private static Map<String, Object> named(RowSchema schema, String what, Map<String, ?> row) {
        Map<String, Object> out = new LinkedHashMap<>();
        row.forEach((name, value) -> {
            int place = schema.place(name);
            if (place < 0) {
                throw Names.unknown(what + " has no column " + name, schema.names());
            }
            out.put(schema.columns().get(place).name(), Records.plain(value));
        });
        return out;
    }

    private List<Sent> ordered(String output) {
        List<Sent> out = sent.getOrDefault(output, new ArrayList<>());
        out.sort(Comparator.comparingInt(Sent::cause));
        return out;
    }

    /** A sent row with all the columns that are known. */
    private Map<String, Object> complete(RowSchema schema, Sent one) {
        Map<String, Object> out = new LinkedHashMap<>();
        for (Column column : schema.columns()) {
            if (column.role() == Column.Role.KEY) {
                for (int key : keys) {
                    if (node.input().columns().get(key).name().equals(column.name())) {
                        out.put(column.name(), rows.cell(key, one.cause()));
                    }
                }
            } else if (column.role() == Column.Role.META && one.timestamp() != null) {
                out.put(column.name(), column.type().kind() == Type.Kind.BIGINT ? one.timestamp().toEpochMilli() : one.timestamp());
            }
        }
        out.putAll(one.key());
        if (one.row() != null) {
            out.putAll(one.row());
        }
        return out;
    }

    /** The answer. IllegalArgumentException for a value that is not of its column's type. */
    BundleResult result(long lease, long number) {
        BundleResult.Builder out = BundleResult.newBuilder().setLease(lease).setBundle(number);
        sent.forEach((output, unordered) -> {
            RowSchema schema = output(output);
            List<Sent> ordered = ordered(output);
            out.addOutputs(OutputRows.newBuilder()
                    .setOutput(output).addAllCauses(ordered.stream().map(Sent::cause).toList())
                    .setRows(encoded(schema, "output " + output, ordered.stream().map(one -> complete(schema, one)).toList(),
                            ordered.stream().map(one -> one.row() == null).toList())));
        });
        after.forEach((store, changed) -> {
            RowSchema schema = store(store);
            List<Map<String, Object>> changes = new ArrayList<>();
            List<Boolean> gone = new ArrayList<>();
            changed.forEach((id, row) -> {
                gone.add(row == null);
                changes.add(row != null ? row : keyed(schema, changedKeys.get(store).get(id)));
            });
            out.addState(NamedRows.newBuilder().setName(store).setRows(encoded(schema, "store " + store, changes, gone)));
        });
        return out.build();
    }

    private static Map<String, Object> keyed(RowSchema schema, Key key) {
        Map<String, Object> out = new HashMap<>();
        for (int i = 0; i < key.values().size(); i++) {
            out.put(schema.columns().get(i).name(), key.values().get(i));
        }
        return out;
    }

    /** Rows by column as a message; gone: which of them are deleted, empty for none. IllegalArgumentException for a value of another type. */
    static RowBatch encoded(RowSchema schema, String what, List<Map<String, Object>> rows, List<Boolean> gone) {
        RowBatch.Builder out = RowBatch.newBuilder().setSchemaId(schema.id()).setRowCount(rows.size());
        for (Column column : schema.columns()) {
            Object[] cells = new Object[rows.size()];
            for (int i = 0; i < cells.length; i++) {
                cells[i] = rows.get(i).get(column.name());
            }
            try {
                out.addColumns(Encoder.column(column.type(), Arrays.asList(cells)));
            } catch (Encoder.Misfit misfit) {
                throw new IllegalArgumentException(what + ", column " + column.name() + " (" + column.type() + "): " + misfit.getMessage(), misfit);
            }
        }
        if (gone.contains(true)) {
            gone.forEach(deleted -> out.addKinds(deleted ? RowKind.ROW_KIND_DELETE : RowKind.ROW_KIND_UPSERT));
        }
        return out.build();
    }

    /** What is equal for equal keys; arrays of bytes are not by themselves. */
    private static Object identity(List<Object> key) {
        if (key.size() == 1 && !(key.get(0) instanceof byte[])) {
            return key.get(0) == null ? List.of() : key.get(0);
        }
        return key.stream().map(value -> value instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(value)).toList();
    }

    /** What a {@link RowHandler} sees besides its row. */
    public final class Place {

        private final int place;
        private final Key key;

        private Place(int place) {
            this.place = place;
            this.key = Bundle.this.key(place);
        }

        /** Topology, node, config and columns. */
        public ProcessorNode node() {
            return node;
        }

        /** The values of the row's key columns. */
        public Key key() {
            return key;
        }

        /** The row of this key in a store, by column; null when there is none. */
        public Map<String, Object> state(String store) {
            return Bundle.this.state(store, key);
        }

        /** Sets the row of this key in a store; null deletes it. */
        public void put(String store, Map<String, ?> row) {
            Bundle.this.put(store, key, row);
        }

        /** Gives a row to an output; null sends a null value. Key columns that it does not name are those of the row that is processed. */
        public void send(String output, Map<String, ?> row) {
            Bundle.this.send(output, row, place);
        }

        /** As send(). key: key columns, for a null value too; timestamp: the ROWTIME, null for that of this row. */
        public void send(String output, Map<String, ?> row, Map<String, ?> key, Instant timestamp) {
            Bundle.this.send(output, row, place, key, timestamp);
        }
    }
}
