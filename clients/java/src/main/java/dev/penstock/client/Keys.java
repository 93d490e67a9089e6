package dev.penstock.client;

import dev.penstock.v1.RowBatch;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Many keys as rows of key columns. */
final class Keys {

    private Keys() {
    }

    /** With the window's start for a windowed table. IllegalArgumentException for a key of other values than the table's. */
    static RowBatch batch(Relation table, List<?> keys) {
        List<Column> columns = new ArrayList<>(table.key());
        if (table.windowed()) {
            columns.add(new Column("WINDOWSTART", Type.of(Type.Kind.BIGINT), Column.Role.WINDOW));
        }
        List<List<Object>> cells = columns.stream().<List<Object>>map(column -> new ArrayList<>()).toList();
        for (int i = 0; i < keys.size(); i++) {
            List<Object> values = Key.from(keys.get(i)).values();
            if (values.size() != columns.size()) {
                throw new IllegalArgumentException("key " + i + " has " + values.size() + " values; " + table.name() + " needs " + columns.size());
            }
            for (int place = 0; place < columns.size(); place++) {
                Object value = Records.plain(values.get(place));
                boolean start = columns.get(place).role() == Column.Role.WINDOW && value instanceof Instant;
                cells.get(place).add(start ? Encoder.millis(value) : value);
            }
        }
        RowBatch.Builder out = RowBatch.newBuilder().setRowCount(keys.size());
        for (int place = 0; place < columns.size(); place++) {
            try {
                out.addColumns(Encoder.column(columns.get(place).type(), cells.get(place)));
            } catch (Encoder.Misfit misfit) {
                throw new IllegalArgumentException("key " + misfit.place + ", column " + columns.get(place).name() + ": " + misfit.getMessage(), misfit);
            }
        }
        return out.build();
    }
}
