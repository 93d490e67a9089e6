package dev.penstock.client;

import java.util.List;

/** Says which rows and timers of a bundle cannot be processed: they become dead letters, and the others are sent again without them. */
public class BadRowsException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient List<Integer> rows;
    private final transient List<Integer> timers;

    /** rows: their places in the bundle; reason: becomes that of the dead letters. */
    public BadRowsException(List<Integer> rows, String reason) {
        this(rows, List.of(), reason);
    }

    /** As with rows alone. timers: places of those that could not be fired. */
    public BadRowsException(List<Integer> rows, List<Integer> timers, String reason) {
        super(reason);
        this.rows = List.copyOf(rows);
        this.timers = List.copyOf(timers);
    }

    /** Their places in the bundle. */
    public List<Integer> rows() {
        return rows;
    }

    /** Places of timers in the bundle. */
    public List<Integer> timers() {
        return timers;
    }
}
