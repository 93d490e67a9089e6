package dev.penstock.client;

import java.util.List;

/** Says which rows of a bundle cannot be processed: they become dead letters, and the others are sent again without them. */
public class BadRowsException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient List<Integer> rows;

    /** rows: their places in the bundle; reason: becomes that of the dead letters. */
    public BadRowsException(List<Integer> rows, String reason) {
        super(reason);
        this.rows = List.copyOf(rows);
    }

    /** Their places in the bundle. */
    public List<Integer> rows() {
        return rows;
    }
}
