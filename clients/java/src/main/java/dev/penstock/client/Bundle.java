package dev.penstock.client;

import dev.penstock.v1.BundleResult;
import dev.penstock.v1.ColumnData;
import dev.penstock.v1.NamedRows;
import dev.penstock.v1.OutputRows;
import dev.penstock.v1.RowBatch;
import dev.penstock.v1.RowKind;
import dev.penstock.v1.Timers;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Timers that are due and rows of one partition in order, the state of their keys, and what comes of them. */
public final class Bundle {

    private record Sent(int cause, Map<String, Object> row, Map<String, Object> key, Instant timestamp) {
    }

    /** Rows that were sent by column; columns: by their own names. */
    private record SentColumns(Map<String, List<?>> columns, List<Integer> causes) {
    }

    private record ChangedTimer(Timer timer, boolean cancelled) {
    }

    private final ProcessorNode node;
    private final List<Timer> timers;
    private final Batch rows;
    private final int partition;
    private final int attempt;
    private final List<Integer> keys;
    private final Map<String, Map<Object, Map<String, Object>>> before = new HashMap<>(); // by store and key
    private final Map<String, Map<Object, Map<String, Object>>> after = new LinkedHashMap<>(); // a null row is deleted
    private final Map<String, Map<Object, Key>> changedKeys = new HashMap<>();
    private final Map<String, List<Sent>> sent = new LinkedHashMap<>();
    private final Map<String, SentColumns> blocks = new LinkedHashMap<>(); // by output; what is here is not in sent

    private final List<ChangedTimer> changedTimers = new ArrayList<>();
    private final Set<Object> overtaken = new HashSet<>(); // what timers are known by that are not to be fired any more

    Bundle(ProcessorNode node, List<Timer> timers, Batch rows, int partition, int attempt) {
        this.node = node;
        this.timers = List.copyOf(timers);
        this.rows = rows;
        this.partition = partition;
        this.attempt = attempt;
        this.keys = node.keys();
    }

    static Bundle of(ProcessorNode node, dev.penstock.v1.Bundle message) {
        Bundle out = new Bundle(
                node, Timer.of(node.timerKeys(), message.getTimers()), Batch.of(node.input(), message.getRows(), "", false), message.getPartition(),
                message.getAttempt());
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

    /** Timers that are due, in order of time; they are fired before the rows, and gone then. */
    public List<Timer> timers() {
        return timers;
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

    /** As at(), for a timer. */
    public Place atTimer(int place) {
        return new Place(place - timers.size());
    }

    /** The key of a row, by its place; less than 0 counts the timers from their end. */
    public Key key(int place) {
        if (place < 0) {
            return timers.get(timers.size() + place).key();
        }
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

    /** Sets the row of a key in a store; null deletes it. The key must be one of the bundle's rows or timers. */
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

    /**
     * Gives a row to an output; null sends a null value. cause: the place of the row that caused it, whose key columns it has where it names no others;
     * less than 0 counts the timers from their end.
     */
    public void send(String output, Map<String, ?> row, int cause) {
        send(output, row, cause, Map.of(), null);
    }

    /** As send(). key: key columns, for a null value too; timestamp: the ROWTIME, null for that of the row or timer that caused it. */
    public void send(String output, Map<String, ?> row, int cause, Map<String, ?> key, Instant timestamp) {
        RowSchema schema = output(output);
        checkCause(cause);
        spread(output);
        String what = "output " + output;
        sent.computeIfAbsent(output, name -> new ArrayList<>()).add(
                new Sent(cause, row == null ? null : named(schema, what, row), named(schema, what, key), timestamp));
    }

    /** As sendColumns() with causes: a row for each of the bundle's rows, in order. */
    public void sendColumns(String output, Map<String, ? extends List<?>> columns) {
        sendColumns(output, columns, IntStream.range(0, rows.size()).boxed().toList());
    }

    /**
     * Gives rows to an output by column, which is much faster than send() for each. columns: a value for each row; causes: as send()'s, of each row, whose
     * key columns it has where they are not given. IllegalArgumentException for an unknown column or cause, and for a column of another length.
     */
    public void sendColumns(String output, Map<String, ? extends List<?>> columns, List<Integer> causes) {
        RowSchema schema = output(output);
        causes.forEach(this::checkCause);
        Map<String, List<?>> named = new HashMap<>();
        columns.forEach((name, values) -> {
            int place = schema.place(name);
            if (place < 0) {
                throw Names.unknown("output " + output + " has no column " + name, schema.names());
            }
            if (values.size() != causes.size()) {
                throw new IllegalArgumentException(
                        "output " + output + ", column " + name + " has " + values.size() + " values for " + causes.size() + " rows");
            }
            named.put(schema.columns().get(place).name(), values);
        });
        spread(output);
        blocks.put(output, new SentColumns(named, causes));
        boolean falls = IntStream.range(1, causes.size()).anyMatch(row -> causes.get(row) < causes.get(row - 1));
        if (falls || sent.containsKey(output)) {
            spread(output);
        }
    }

    private void checkCause(int cause) {
        if (cause < -timers.size() || cause >= rows.size()) {
            throw new IllegalArgumentException(
                    "cause " + cause + " is no row or timer of the bundle, which has " + rows.size() + " and " + timers.size());
        }
    }

    /** Makes single rows of what was sent by column, so that both have one order. */
    private void spread(String output) {
        SentColumns block = blocks.remove(output);
        if (block == null) {
            return;
        }
        List<Sent> rows = sent.computeIfAbsent(output, name -> new ArrayList<>());
        for (int row = 0; row < block.causes().size(); row++) {
            Map<String, Object> cells = new LinkedHashMap<>();
            for (Map.Entry<String, List<?>> column : block.columns().entrySet()) {
                cells.put(column.getKey(), Records.plain(column.getValue().get(row)));
            }
            rows.add(new Sent(block.causes().get(row), cells, Map.of(), null));
        }
    }

    /** What was sent to an output by column, as the answer has it. */
    private OutputRows message(String output, SentColumns block) {
        RowSchema schema = output(output);
        int count = block.causes().size();
        RowBatch.Builder batch = RowBatch.newBuilder().setSchemaId(schema.id()).setRowCount(count);
        for (Column column : schema.columns()) {
            List<?> values = block.columns().get(column.name());
            batch.addColumns(encoded("output " + output, column, values != null ? values : inherited(column, block.causes())));
        }
        OutputRows.Builder out = OutputRows.newBuilder().setOutput(output).setRows(batch);
        block.causes().forEach(cause -> out.addCauses(cause + timers.size()));
        return out.build();
    }

    /** A column that was not given: that of the causes' key, or null for NULLs. */
    private List<?> inherited(Column column, List<Integer> causes) {
        for (int place = 0; place < keys.size() && column.role() == Column.Role.KEY; place++) {
            int key = place;
            int source = keys.get(place);
            if (node.input().columns().get(source).name().equals(column.name())) {
                return causes.stream().map(cause -> cause < 0 ? key(cause).values().get(key) : rows.cell(source, cause)).toList();
            }
        }
        return null;
    }

    /** Sets a timer for a key of the bundle's rows or timers. With a name, the one of that name before is gone. A time that is past is due at once. */
    public void setTimer(Timer timer) {
        if (timer.at().toEpochMilli() < 0) {
            throw new IllegalArgumentException("a timer's time is " + timer.at() + "; it must be 1970 or later");
        }
        change(timer, false);
    }

    /**
     * Cancels a timer by its key, clock and name, or without a name by its time; one that is not there is no error. A timer of this very bundle is not
     * fired any more.
     */
    public void cancelTimer(Timer timer) {
        change(timer, true);
    }

    private void change(Timer timer, boolean cancelled) {
        if (node.timerKeys() == null) {
            throw new IllegalArgumentException(node.node() + " has no timers; declare them where it is defined");
        }
        changedTimers.add(new ChangedTimer(timer, cancelled));
        if (cancelled || !timer.name().isEmpty()) {
            overtaken.add(identity(timer));
        }
    }

    /** Whether a timer of the bundle was cancelled, or one of its name set, before it was its turn. */
    boolean overtaken(Timer timer) {
        return overtaken.contains(identity(timer));
    }

    /** The timers that were set, in order. For tests. */
    public List<Timer> setTimers() {
        return changedTimers.stream().filter(changed -> !changed.cancelled()).map(ChangedTimer::timer).toList();
    }

    /** The timers that were cancelled, in order. For tests. */
    public List<Timer> cancelledTimers() {
        return changedTimers.stream().filter(ChangedTimer::cancelled).map(ChangedTimer::timer).toList();
    }

    /** The rows of an output in the order of their causes, with all their columns but ROWTIME; null for a null value. For tests. */
    public List<Map<String, Object>> sent(String output) {
        RowSchema schema = output(output);
        spread(output);
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
                for (int i = 0; i < keys.size(); i++) {
                    if (node.input().columns().get(keys.get(i)).name().equals(column.name())) {
                        out.put(column.name(), key(one.cause()).values().get(i));
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
                    .setOutput(output).addAllCauses(ordered.stream().map(one -> one.cause() + timers.size()).toList())
                    .setRows(encoded(schema, "output " + output, ordered.stream().map(one -> complete(schema, one)).toList(),
                            ordered.stream().map(one -> one.row() == null).toList())));
        });
        blocks.forEach((output, block) -> out.addOutputs(message(output, block)));
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
        if (!changedTimers.isEmpty()) {
            out.setTimers(timersMessage());
        }
        return out.build();
    }

    private Timers timersMessage() {
        Timers.Builder out = Timers.newBuilder();
        for (ChangedTimer changed : changedTimers) {
            Timer timer = changed.timer();
            out.addNames(timer.name()).addTimes(Math.max(0, timer.at().toEpochMilli())).addClocks(timer.clock().message());
        }
        return out.setKeys(encoded(
                node.timerKeys(), "timers", changedTimers.stream().map(changed -> keyed(node.timerKeys(), changed.timer().key())).toList(),
                changedTimers.stream().map(ChangedTimer::cancelled).toList())).build();
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
            out.addColumns(encoded(what, column, Arrays.asList(cells)));
        }
        if (gone.contains(true)) {
            gone.forEach(deleted -> out.addKinds(deleted ? RowKind.ROW_KIND_DELETE : RowKind.ROW_KIND_UPSERT));
        }
        return out.build();
    }

    /** Values of a column as a message; null for a column of NULLs. */
    private static ColumnData encoded(String what, Column column, List<?> values) {
        if (values == null) {
            return ColumnData.getDefaultInstance();
        }
        try {
            return Encoder.column(column.type(), values);
        } catch (Encoder.Misfit misfit) {
            throw new IllegalArgumentException(what + ", column " + column.name() + " (" + column.type() + "): " + misfit.getMessage(), misfit);
        }
    }

    /** What is equal for equal keys; arrays of bytes are not by themselves. */
    private static Object identity(List<Object> key) {
        if (key.size() == 1 && !(key.get(0) instanceof byte[])) {
            return key.get(0) == null ? List.of() : key.get(0);
        }
        return key.stream().map(value -> value instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(value)).toList();
    }

    /** What is equal for equal timers. */
    private static Object identity(Timer timer) {
        return List.of(identity(timer.key().values()), timer.clock(), timer.name(), timer.name().isEmpty() ? timer.at().toEpochMilli() : 0L);
    }

    /** What a {@link RowHandler} sees besides its row, and a {@link TimedHandler} besides its timer. */
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

        /** The values of the key columns. */
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

        /** Gives a row to an output; null sends a null value. Key columns that it does not name are those of this place. */
        public void send(String output, Map<String, ?> row) {
            Bundle.this.send(output, row, place);
        }

        /** As send(). key: key columns, for a null value too; timestamp: the ROWTIME, null for that of this row or timer. */
        public void send(String output, Map<String, ?> row, Map<String, ?> key, Instant timestamp) {
            Bundle.this.send(output, row, place, key, timestamp);
        }

        /** Sets a timer for this key by its name, by stream time. The one of that name before is gone. */
        public void setTimer(String name, Instant time) {
            setTimer(name, time, Timer.Clock.STREAM_TIME);
        }

        /** As setTimer(). name: empty for one that is known by its time. */
        public void setTimer(String name, Instant time, Timer.Clock clock) {
            Bundle.this.setTimer(new Timer(key, time, name, clock));
        }

        /** Cancels a timer of this key by its name, by stream time; one that is not there is no error. */
        public void cancelTimer(String name) {
            cancelTimer(name, Instant.EPOCH, Timer.Clock.STREAM_TIME);
        }

        /** As cancelTimer(). time: of one whose name is empty. */
        public void cancelTimer(String name, Instant time, Timer.Clock clock) {
            Bundle.this.cancelTimer(new Timer(key, time, name, clock));
        }
    }
}
