package dev.penstock.client;

import dev.penstock.v1.Accumulator;
import java.util.List;

/**
 * A column of an aggregate that expressions fold. They name the group's columns {@code acc.x}, the row's {@code row.x} and, where two sessions become
 * one, the later session's {@code other.x}.
 */
public final class Fold {

    final Accumulator message;

    private Fold(Accumulator.Builder message) {
        this.message = message.build();
    }

    /**
     * name: the column's; init: the value without rows, an expression without columns, or empty: the group's first row gives it as it is; add: the
     * value with one more row, for each input of a cogroup in their order, where an empty one leaves it.
     */
    public static Fold of(String name, String init, String... add) {
        return new Fold(Accumulator.newBuilder().setName(name).setInit(init).addAllAdd(List.of(add)));
    }

    /** The value without a row, which aggregates of tables need. */
    public Fold undo(String expression) {
        return new Fold(message.toBuilder().setUndo(expression));
    }

    /** The value of two sessions together, which session windows need. */
    public Fold merge(String expression) {
        return new Fold(message.toBuilder().setMerge(expression));
    }
}
