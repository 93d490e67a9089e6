package dev.penstock.client;

import dev.penstock.v1.RowBatch;
import dev.penstock.v1.RowKind;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Rows that came together, held by column. */
public final class Batch implements Event, Iterable<Row> {

    private final RowSchema schema;
    private final List<Decoder.Vector> columns;
    private final List<RowKind> kinds;
    private final int size;
    private final String position;
    private final boolean snapshot;

    Batch(RowSchema schema, List<Decoder.Vector> columns, List<RowKind> kinds, int size, String position, boolean snapshot) {
        this.schema = schema;
        this.columns = columns;
        this.kinds = kinds;
        this.size = size;
        this.position = position;
        this.snapshot = snapshot;
    }

    static Batch of(RowSchema schema, RowBatch message, String position, boolean snapshot) {
        int size = message.getRowCount();
        Decoder.check(
                message.getColumnsCount() == schema.columns().size(),
                message.getColumnsCount() + " columns where the schema has " + schema.columns().size());
        Decoder.check(message.getKindsCount() == 0 || message.getKindsCount() == size, message.getKindsCount() + " kinds for " + size + " rows");
        List<Decoder.Vector> columns = IntStream.range(0, schema.columns().size())
                .mapToObj(i -> Decoder.column(schema.columns().get(i).type(), message.getColumns(i), size)).toList();
        return new Batch(schema, columns, message.getKindsList(), size, position, snapshot);
    }

    /** The columns. */
    public RowSchema schema() {
        return schema;
    }

    /** The number of rows. */
    public int size() {
        return size;
    }

    /** The token that resumes after this batch; empty when it is no resume point. */
    public String position() {
        return position;
    }

    /** Whether the rows are state, not changes. */
    public boolean snapshot() {
        return snapshot;
    }

    /** The row at a place, from 0. */
    public Row row(int place) {
        if (place < 0 || place >= size) {
            throw new IndexOutOfBoundsException(place);
        }
        return new Row(this, place);
    }

    /** The rows in order. */
    public Stream<Row> stream() {
        return IntStream.range(0, size).mapToObj(this::row);
    }

    @Override
    public Iterator<Row> iterator() {
        return stream().iterator();
    }

    /** The values of one column, found as {@link RowSchema#place} says; null for NULL. IllegalArgumentException when there is none. */
    public List<Object> column(String name) {
        int place = schema.place(name);
        if (place < 0) {
            throw Names.unknown("no column " + name, schema.names());
        }
        Decoder.Vector values = columns.get(place);
        Object[] out = new Object[size];
        Arrays.setAll(out, values::at);
        return Collections.unmodifiableList(Arrays.asList(out));
    }

    /** The first rows. */
    Batch head(long count) {
        return count >= size ? this : new Batch(schema, columns, kinds, (int) Math.max(count, 0), position, snapshot);
    }

    Object cell(int column, int row) {
        return columns.get(column).at(row);
    }

    boolean deleted(int row) {
        return !kinds.isEmpty() && kinds.get(row) == RowKind.ROW_KIND_DELETE;
    }
}
