package dev.penstock.client;

import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;

/** A subscription's rows for one subscriber of Flow; nothing is read ahead of what it has asked for but the rows of one batch. */
final class RowPublisher implements Flow.Publisher<Row> {

    private final Subscription rows;
    private final AtomicBoolean taken = new AtomicBoolean();

    RowPublisher(Subscription rows) {
        this.rows = rows;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super Row> subscriber) {
        Demand demand = new Demand(rows);
        subscriber.onSubscribe(demand);
        if (!taken.compareAndSet(false, true)) {
            subscriber.onError(new IllegalStateException("a subscription has one subscriber"));
            return;
        }
        Thread thread = new Thread(() -> publish(subscriber, demand), "penstock-publisher");
        thread.setDaemon(true);
        thread.start();
    }

    private void publish(Flow.Subscriber<? super Row> subscriber, Demand demand) {
        try {
            var iterator = rows.iterator();
            while (demand.await() && iterator.hasNext()) {
                subscriber.onNext(iterator.next());
            }
        } catch (RuntimeException failed) {
            rows.close();
            if (!demand.cancelled()) {
                subscriber.onError(demand.wrong() == null ? failed : demand.wrong());
            }
            return;
        }
        rows.close();
        if (demand.wrong() != null) {
            subscriber.onError(demand.wrong());
        } else if (!demand.cancelled()) {
            subscriber.onComplete();
        }
    }

    /** How many rows the subscriber wants. */
    private static final class Demand implements Flow.Subscription {

        private final Subscription rows;
        private long wanted;
        private boolean cancelled;
        private IllegalArgumentException wrong;

        Demand(Subscription rows) {
            this.rows = rows;
        }

        @Override
        public synchronized void request(long count) {
            if (count <= 0) {
                wrong = new IllegalArgumentException("request(" + count + ") asks for no rows");
                rows.close();
            } else {
                wanted = wanted + count < 0 ? Long.MAX_VALUE : wanted + count;
            }
            notifyAll();
        }

        @Override
        public void cancel() {
            synchronized (this) {
                cancelled = true;
                notifyAll();
            }
            rows.close();
        }

        synchronized boolean cancelled() {
            return cancelled;
        }

        synchronized IllegalArgumentException wrong() {
            return wrong;
        }

        /** Waits until a row is wanted, and counts it; false when none will be. */
        synchronized boolean await() {
            try {
                while (wanted == 0 && !cancelled && wrong == null && !rows.closed()) {
                    wait(100); // the subscription may be closed by another thread, which does not wake this one
                }
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                return false;
            }
            if (wanted > 0 && wanted < Long.MAX_VALUE) {
                wanted--;
            }
            return !cancelled && wrong == null;
        }
    }
}
