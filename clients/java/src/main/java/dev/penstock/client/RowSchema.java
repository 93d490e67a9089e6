package dev.penstock.client;

import java.util.List;

/** The columns of the rows that follow it. id: a fingerprint, equal for equal columns; table: rows replace each other by key. */
public record RowSchema(long id, List<Column> columns, boolean table) {

    static RowSchema of(dev.penstock.v1.RowSchema message) {
        return new RowSchema(message.getId(), Column.of(message.getSchema()), message.getTable());
    }

    /** The index of a column: of exactly this name, else in upper case, else the only one that differs by case alone; -1 for none. */
    public int place(String column) {
        return Names.find(names(), column);
    }

    /** The columns' names. */
    public List<String> names() {
        return columns.stream().map(Column::name).toList();
    }
}
