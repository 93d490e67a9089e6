package dev.penstock.client;

import java.util.ArrayList;
import java.util.List;

/** A function that is called with the arguments of each row. A row for which it throws is a bad one, and becomes a dead letter. */
@FunctionalInterface
public interface RowFunction extends BatchFunction {

    /** The result for the arguments of one row. {@link RetryBundleException} when the row is not to blame. */
    Object call(List<Object> arguments) throws Exception;

    @Override
    default List<?> compute(List<List<Object>> columns) throws Exception {
        List<Object> out = new ArrayList<>();
        Blame blame = new Blame();
        int rows = columns.isEmpty() ? 0 : columns.get(0).size();
        for (int place = 0; place < rows; place++) {
            List<Object> arguments = new ArrayList<>(columns.size());
            for (List<Object> column : columns) {
                arguments.add(column.get(place));
            }
            blame.row(place, () -> out.add(call(arguments)));
        }
        blame.settle();
        return out;
    }
}
