package dev.penstock.client;

import java.util.ArrayList;
import java.util.List;

/** Which rows and timers of a bundle its computation failed on. */
final class Blame {

    private final List<Integer> rows = new ArrayList<>();
    private final List<Integer> timers = new ArrayList<>();
    private String reason;

    /** A step that may fail. */
    @FunctionalInterface
    interface Step {
        void run() throws Exception;
    }

    /** Does what a row needs: the row is to blame when that throws anything but RetryBundleException, which goes on. */
    void row(int place, Step step) {
        run(rows, place, step);
    }

    /** As row(), for a timer. */
    void timer(int place, Step step) {
        run(timers, place, step);
    }

    private void run(List<Integer> bad, int place, Step step) {
        try {
            step.run();
        } catch (RetryBundleException again) {
            throw again;
        } catch (Exception failed) {
            bad.add(place);
            if (reason == null) {
                reason = reason(failed);
            }
        }
    }

    /** BadRowsException when any is to blame. */
    void settle() {
        if (!rows.isEmpty() || !timers.isEmpty()) {
            throw new BadRowsException(rows, timers, reason);
        }
    }

    /** What an exception says. */
    static String reason(Throwable failed) {
        return failed.getMessage() == null ? failed.toString() : failed.getMessage();
    }
}
