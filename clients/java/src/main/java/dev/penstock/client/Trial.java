package dev.penstock.client;

import dev.penstock.v1.ColumnRole;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Tries a handler, or a function, without a service. Columns, outputs and stores are as in the topology; types are not checked. */
public final class Trial {

    private final String columns;
    private final Map<String, String> outputs = new LinkedHashMap<>();
    private final Map<String, String> stores = new LinkedHashMap<>();
    private final Map<String, String> config = new LinkedHashMap<>();
    private final Map<String, List<?>> state = new LinkedHashMap<>();

    private final List<Timer> timers = new ArrayList<>();

    /** columns: of the input, as `NAME TYPE [KEY], ...`. */
    public Trial(String columns) {
        this.columns = columns;
    }

    /** An output of the processor. */
    public Trial output(String name, String columns) {
        outputs.put(name, columns);
        return this;
    }

    /** A store, and the rows that it has before. */
    public Trial store(String name, String columns, List<?> rows) {
        stores.put(name, columns);
        state.put(name, rows);
        return this;
    }

    /** A timer that is due. */
    public Trial timer(Timer due) {
        timers.add(due);
        return this;
    }

    /** A setting that the handler sees. */
    public Trial config(String name, String value) {
        config.put(name, value);
        return this;
    }

    /** Calls a handler with a bundle of rows, maps by column name or records: the bundle with what came of it. Throws what the handler throws. */
    public Bundle run(Handler handler, List<?> rows) throws Exception {
        RowSchema input = schema(columns, List.of(), true);
        List<Column> keys = input.columns().stream().filter(column -> column.role() == Column.Role.KEY).toList();
        Map<String, RowSchema> outs = new LinkedHashMap<>();
        outputs.forEach((name, text) -> outs.put(name, schema(text, List.of(), true)));
        Map<String, RowSchema> kept = new LinkedHashMap<>();
        stores.forEach((name, text) -> kept.put(name, schema(text, keys, false)));
        ProcessorNode node = new ProcessorNode("trial", "trial", "trial", config, input, outs, kept, new RowSchema(0, keys, false));
        Bundle bundle = new Bundle(node, timers, batch(input, rows), 0, 1);
        state.forEach((name, before) -> bundle.prefetched(name, batch(kept.get(name), before)));
        handler.process(bundle);
        return bundle;
    }

    /** Calls a handler for each row. */
    public Bundle runRows(RowHandler handler, List<?> rows) throws Exception {
        return run(handler, rows);
    }

    /** Calls a function with rows of arguments: its results. Throws what the function throws. */
    public static List<?> call(BatchFunction function, List<? extends List<?>> rows) throws Exception {
        List<List<Object>> columns = new ArrayList<>();
        for (int place = 0; place < (rows.isEmpty() ? 0 : rows.get(0).size()); place++) {
            List<Object> cells = new ArrayList<>();
            for (List<?> row : rows) {
                cells.add(row.get(place));
            }
            columns.add(cells);
        }
        return Calls.results(function, columns, rows.size());
    }

    /** Declared columns, key columns first; their types are the service's to know. */
    private static RowSchema schema(String text, List<Column> keys, boolean meta) {
        List<Column> out = new ArrayList<>(keys);
        for (boolean key : new boolean[] {true, false}) {
            Columns.parse(text).getColumnsList().stream().filter(c -> (c.getRole() == ColumnRole.COLUMN_ROLE_KEY) == key).forEach(
                    c -> out.add(new Column(c.getName(), Type.of(Type.Kind.STRING), key ? Column.Role.KEY : Column.Role.VALUE)));
        }
        if (meta) {
            out.add(new Column("ROWTIME", Type.of(Type.Kind.BIGINT), Column.Role.META));
        }
        return new RowSchema(0, out, false);
    }

    /** Rows whose values stay as they were given. */
    private static Batch batch(RowSchema schema, List<?> rows) {
        Object[][] cells = new Object[schema.columns().size()][rows.size()];
        for (int i = 0; i < rows.size(); i++) {
            int row = i;
            Records.row(rows.get(i)).forEach((name, value) -> {
                int place = schema.place(name);
                if (place < 0) {
                    throw Names.unknown("row " + row + ": there is no column " + name, schema.names());
                }
                cells[place][row] = Records.plain(value);
            });
        }
        List<Decoder.Vector> columns = new ArrayList<>();
        for (Object[] column : cells) {
            columns.add(slot -> column[slot]);
        }
        return new Batch(schema, columns, List.of(), rows.size(), "", false);
    }
}
