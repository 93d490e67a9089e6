package dev.penstock.client;

import java.util.List;

/** One column of a relation or of rows. */
public record Column(String name, Type type, Role role) {

    /** Where a column lives in a record. */
    public enum Role {
        /** In the key. */ KEY,
        /** In the value. */ VALUE,
        /** A header. */ HEADER,
        /** WINDOWSTART and WINDOWEND. */ WINDOW,
        /** ROWTIME, ROWPARTITION and ROWOFFSET. */ META
    }

    static List<Column> of(dev.penstock.v1.Schema schema) {
        return schema.getColumnsList().stream().map(Column::of).toList();
    }

    private static Column of(dev.penstock.v1.Column message) {
        Role role = switch (message.getRole()) {
            case COLUMN_ROLE_KEY -> Role.KEY;
            case COLUMN_ROLE_HEADER -> Role.HEADER;
            case COLUMN_ROLE_WINDOW -> Role.WINDOW;
            case COLUMN_ROLE_META -> Role.META;
            default -> Role.VALUE;
        };
        return new Column(message.getName(), Type.of(message.getType()), role);
    }
}
