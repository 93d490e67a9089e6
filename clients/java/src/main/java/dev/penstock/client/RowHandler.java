package dev.penstock.client;

import java.util.ArrayList;
import java.util.List;

/** A handler that is called with each row. A row for which it throws is a bad one, and becomes a dead letter. */
@FunctionalInterface
public interface RowHandler extends Handler {

    /** Handles one row, whose place in the bundle knows its key, its state and where rows go. {@link RetryBundleException} when the row is not to blame. */
    void handle(Row row, Bundle.Place at) throws Exception;

    @Override
    default void process(Bundle bundle) throws Exception {
        List<Integer> bad = new ArrayList<>();
        String reason = "";
        for (int place = 0; place < bundle.rows().size(); place++) {
            try {
                handle(bundle.rows().row(place), bundle.at(place));
            } catch (RetryBundleException again) {
                throw again;
            } catch (Exception failed) {
                bad.add(place);
                if (reason.isEmpty()) {
                    reason = failed.getMessage() == null ? failed.toString() : failed.getMessage();
                }
            }
        }
        if (!bad.isEmpty()) {
            throw new BadRowsException(bad, reason);
        }
    }
}
