package dev.penstock.client;

/**
 * A handler that sets timers, of a node that was declared with timers(). It is called with each timer that is due, and then with each row; one for
 * which it throws is a bad record.
 */
public interface TimedHandler extends Handler {

    /** Handles one row, as {@link RowHandler#handle} does. */
    void onRow(Row row, Bundle.Place at) throws Exception;

    /** Handles a timer that is due, with the key of the timer and its state. It is gone then, unless it is set again. */
    void onTimer(Timer timer, Bundle.Place at) throws Exception;

    @Override
    default void process(Bundle bundle) throws Exception {
        Blame blame = new Blame();
        for (int i = 0; i < bundle.timers().size(); i++) {
            int place = i;
            Timer timer = bundle.timers().get(place);
            if (!bundle.overtaken(timer)) {
                blame.timer(place, () -> onTimer(timer, bundle.atTimer(place)));
            }
        }
        for (int i = 0; i < bundle.rows().size(); i++) {
            int place = i;
            blame.row(place, () -> onRow(bundle.rows().row(place), bundle.at(place)));
        }
        blame.settle();
    }
}
