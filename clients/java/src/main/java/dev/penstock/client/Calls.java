package dev.penstock.client;

import dev.penstock.v1.BundleResult;
import dev.penstock.v1.OutputRows;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Bundles of calls of a function. */
final class Calls {

    private Calls() {
    }

    /** The answer to a bundle of calls. IllegalArgumentException when the results do not fit. */
    static BundleResult answer(BatchFunction function, ProcessorNode node, dev.penstock.v1.Bundle message) throws Exception {
        Batch rows = Batch.of(node.input(), message.getRows(), "", false);
        List<List<Object>> columns = new ArrayList<>();
        for (int column = 0; column < node.input().columns().size(); column++) {
            List<Object> cells = new ArrayList<>(rows.size());
            for (int row = 0; row < rows.size(); row++) {
                cells.add(rows.cell(column, row));
            }
            columns.add(Collections.unmodifiableList(cells));
        }
        RowSchema schema = node.outputs().get("result");
        String name = schema.columns().get(0).name();
        List<Map<String, Object>> results = new ArrayList<>(rows.size());
        for (Object result : results(function, columns, rows.size())) {
            results.add(Collections.singletonMap(name, Records.plain(result)));
        }
        return BundleResult.newBuilder().setLease(message.getLease()).setBundle(message.getBundle()).addOutputs(
                OutputRows.newBuilder().setOutput("result").setRows(Bundle.encoded(schema, "result", results, List.of()))).build();
    }

    /** The results for rows of arguments by column. IllegalArgumentException when there is not one for each row. */
    static List<?> results(BatchFunction function, List<List<Object>> columns, int rows) throws Exception {
        List<?> out = function.compute(columns);
        if (out.size() != rows) {
            throw new IllegalArgumentException("the function gave " + out.size() + " results for " + rows + " rows");
        }
        return out;
    }
}
