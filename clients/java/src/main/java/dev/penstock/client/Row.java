package dev.penstock.client;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** One row. {@link Type.Kind} says which Java type the values of each column have. Names are found without regard to case where that is clear. */
public final class Row {

    private final Batch batch;
    private final int place;

    Row(Batch batch, int place) {
        this.batch = batch;
        this.place = place;
    }

    /** The columns. */
    public RowSchema schema() {
        return batch.schema();
    }

    /** Whether the row of this key is gone (table), or the record has a null value (stream). Its values are null but for the key. */
    public boolean deleted() {
        return batch.deleted(place);
    }

    /** The token of the batch that the row came in; empty when that is no resume point. */
    public String position() {
        return batch.position();
    }

    /** The value of a column, null for NULL. IllegalArgumentException when there is no such column. */
    public Object get(String column) {
        int found = schema().place(column);
        if (found < 0) {
            throw Names.unknown("no column " + column, schema().names());
        }
        return batch.cell(found, place);
    }

    /** The value of a column as a class, such as Long; whole numbers widen, STRUCTs become records. IllegalArgumentException when it is none. */
    public <T> T get(String column, Class<T> type) {
        try {
            return type.cast(Records.fit(type, get(column)));
        } catch (IllegalArgumentException misfit) {
            throw new IllegalArgumentException("column " + column + ": " + misfit.getMessage(), misfit);
        }
    }

    /** The values by the names of their columns, in order. */
    public Map<String, Object> toMap() {
        Map<String, Object> out = new LinkedHashMap<>();
        for (int i = 0; i < schema().columns().size(); i++) {
            out.put(schema().columns().get(i).name(), batch.cell(i, place));
        }
        return Collections.unmodifiableMap(out);
    }

    /**
     * The row as a record: each component takes the column of its name, and STRUCTs become records too. IllegalArgumentException for a component
     * that has no column or no value of its type; a column without a component is left out.
     */
    public <T extends Record> T as(Class<T> type) {
        return Records.make(type, toMap());
    }

    Batch batch() {
        return batch;
    }

    /** Whether it is the last row of its batch. */
    boolean last() {
        return place == batch.size() - 1;
    }

    /** For people. */
    @Override
    public String toString() {
        return toMap() + (deleted() ? " deleted" : "");
    }
}
