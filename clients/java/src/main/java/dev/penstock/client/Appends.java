package dev.penstock.client;

import dev.penstock.client.Column.Role;
import dev.penstock.v1.AppendBatch;
import dev.penstock.v1.ColumnData;
import dev.penstock.v1.JsonRows;
import dev.penstock.v1.RowBatch;
import dev.penstock.v1.TypedRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Rows as batches to append. */
final class Appends {

    private Appends() {
    }

    static AppendBatch.Builder json(String relation, List<?> rows) {
        JsonRows.Builder out = JsonRows.newBuilder();
        rows.forEach(row -> out.addRows(JsonText.of(Records.row(row))));
        return AppendBatch.newBuilder().setRelation(relation).setJson(out);
    }

    /** The columns that any row names. IllegalArgumentException names the row and column of a value that does not fit. */
    static AppendBatch.Builder typed(Relation relation, List<?> rows) {
        List<Column> columns = new ArrayList<>(
                relation.columns().stream().filter(c -> c.role() == Role.KEY || c.role() == Role.VALUE).toList());
        columns.add(new Column("ROWTIME", Type.of(Type.Kind.TIMESTAMP), Role.META)); // every relation takes it
        List<String> names = columns.stream().map(Column::name).toList();
        Object[][] cells = new Object[columns.size()][];
        Map<String, Integer> places = new HashMap<>();
        for (int i = 0; i < rows.size(); i++) {
            for (Map.Entry<String, ?> cell : Records.row(rows.get(i)).entrySet()) {
                int place = places.computeIfAbsent(cell.getKey(), name -> Names.find(names, name));
                if (place < 0) {
                    throw Names.unknown("row " + i + ": " + relation.name() + " has no column " + cell.getKey(), names);
                }
                if (cells[place] == null) {
                    cells[place] = new Object[rows.size()];
                }
                cells[place][i] = Records.plain(cell.getValue());
            }
        }
        TypedRows.Builder out = TypedRows.newBuilder();
        RowBatch.Builder batch = RowBatch.newBuilder().setRowCount(rows.size());
        for (int i = 0; i < cells.length; i++) {
            if (cells[i] != null) {
                out.addColumns(names.get(i));
                batch.addColumns(column(columns.get(i), cells[i]));
            }
        }
        return AppendBatch.newBuilder().setRelation(relation.name()).setRows(out.setBatch(batch));
    }

    private static ColumnData column(Column column, Object[] cells) {
        try {
            return Encoder.column(column.type(), Arrays.asList(cells));
        } catch (Encoder.Misfit misfit) {
            throw new IllegalArgumentException(
                    "row " + misfit.place + ", column " + column.name() + " " + column.type() + ": " + misfit.getMessage(), misfit);
        }
    }
}
