package dev.penstock.client;

import java.util.List;

/** Computes a function of expressions for many rows: a {@link RowFunction}, or something of its own, which is faster for simple work on whole columns. */
@FunctionalInterface
public interface BatchFunction {

    /**
     * The results, one for each row in order. columns: the arguments, each a list with a value for each row. An exception has the rows come again,
     * unless it is a {@link BadRowsException}.
     */
    List<?> compute(List<List<Object>> columns) throws Exception;
}
