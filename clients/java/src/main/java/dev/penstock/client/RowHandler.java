package dev.penstock.client;

/** A handler that is called with each row. A row for which it throws is a bad one, and becomes a dead letter. */
@FunctionalInterface
public interface RowHandler extends Handler {

    /** Handles one row, whose place in the bundle knows its key, its state and where rows go. {@link RetryBundleException} when the row is not to blame. */
    void handle(Row row, Bundle.Place at) throws Exception;

    @Override
    default void process(Bundle bundle) throws Exception {
        if (!bundle.timers().isEmpty()) {
            throw new IllegalStateException("the handler fires no timers: make it a TimedHandler");
        }
        Blame blame = new Blame();
        for (int i = 0; i < bundle.rows().size(); i++) {
            int place = i;
            blame.row(place, () -> handle(bundle.rows().row(place), bundle.at(place)));
        }
        blame.settle();
    }
}
