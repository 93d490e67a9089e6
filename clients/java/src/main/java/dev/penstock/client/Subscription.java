package dev.penstock.client;

import io.grpc.Context;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A stream of rows that goes on over broken connections. It is iterated by rows, or by batches() or events(): one stream in three units, which each
 * iterator goes on reading where the last one stopped; use one unit, by one thread at a time. It ends when its limit or end is reached, the relation is deleted,
 * or it or its client is closed, from any thread. The call is made when something is asked for; whoever stops before the end closes it.
 */
public final class Subscription implements Iterable<Row>, AutoCloseable {

    private final Connection connection;
    private final Function<Resumption, StreamCall<?, ?>> open;
    private final Function<Object, dev.penstock.v1.Event> event;
    private final Resumption state;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Pull<Event> events = new Pull<>(this::fetch);
    private final Pull<Batch> batches = new Pull<>(this::fetchBatch);
    private final Pull<Row> rows = new Pull<>(this::fetchRow);
    private volatile StreamCall<?, ?> call;
    private Duration pause = Duration.ZERO; // before the next call
    private volatile String position = "";
    private Batch batch; // whose rows are handed over
    private int place;

    /** open: makes the call that goes on where the state is; event: what is in a message of it. */
    Subscription(Connection connection, boolean resumes, Function<Resumption, StreamCall<?, ?>> open, Function<Object, dev.penstock.v1.Event> event) {
        this.connection = connection;
        this.open = open;
        this.event = event;
        this.state = new Resumption(connection.retry, resumes);
        connection.own(this);
    }

    /**
     * Resumes after what was handed over whole: with rows, it is set before the last row of a batch is handed over, so that who stores it with that
     * row's effect goes on behind it. Empty before the first resume point.
     */
    public String position() {
        return position;
    }

    /** The rows. */
    @Override
    public Iterator<Row> iterator() {
        return after(rows, row -> {
            if (row.last()) {
                pass(row.batch());
            }
        });
    }

    /** The rows, to be closed as the subscription is. */
    public Stream<Row> stream() {
        return StreamSupport.stream(spliterator(), false).onClose(this::close);
    }

    /** The rows as they come; Batch.position() resumes after each. */
    public Iterable<Batch> batches() {
        return () -> after(batches, this::pass);
    }

    /** Everything that happens, reconnects included. */
    public Iterable<Event> events() {
        return () -> after(events, this::pass);
    }

    /** The rows for one subscriber, which a thread of its own calls as often as it has asked for. */
    public Flow.Publisher<Row> publisher() {
        return new RowPublisher(this);
    }

    /** Ends it at once: what waits for its next row sees the end. */
    @Override
    public void close() {
        closed.countDown();
        StreamCall<?, ?> now = call;
        if (now != null) {
            now.close();
        }
        connection.forget(this);
    }

    boolean closed() {
        return closed.getCount() == 0;
    }

    private <T> Iterator<T> after(Pull<T> source, Consumer<T> handedOver) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return source.hasNext();
            }

            @Override
            public T next() {
                T next = source.next();
                handedOver.accept(next);
                return next;
            }
        };
    }

    private void pass(Event event) {
        if (!event.position().isEmpty()) {
            position = event.position();
        }
    }

    private Row fetchRow() {
        while (batch == null || place >= batch.size()) {
            batch = fetchBatch();
            place = 0;
            if (batch == null) {
                return null;
            }
        }
        return batch.row(place++);
    }

    private Batch fetchBatch() {
        for (Event next = fetch(); next != null; next = fetch()) {
            if (next instanceof Batch found) {
                return found;
            }
            if (!(next instanceof Event.Reconnecting)) {
                pass(next); // nothing that was not handed over lies before it
            }
        }
        return null;
    }

    /** The next event; null at the end. */
    private Event fetch() {
        try {
            while (!state.done() && !closed()) {
                if (call == null && !connect()) {
                    return null;
                }
                Event next = receive();
                if (next != null) {
                    return next;
                }
            }
        } catch (RuntimeException failed) {
            close();
            throw failed;
        }
        close();
        return null;
    }

    /** False when it was closed meanwhile. */
    private boolean connect() {
        if (Connection.pause(pause, closed)) {
            return false;
        }
        pause = Duration.ZERO;
        state.restart();
        call = open.apply(state);
        if (closed()) {
            call.close();
        }
        return !closed();
    }

    /** One message's meaning, or that of the connection's end. */
    private Event receive() {
        Event next;
        try {
            next = state.take(event.apply(call.endless()));
        } catch (PenstockException error) {
            if (closed()) {
                return null;
            }
            call.close();
            call = null;
            if (Context.current().isCancelled()) {
                throw error;
            }
            Event.Reconnecting again = state.failed(error);
            pause = again.delay();
            return again;
        }
        if (next instanceof Event.Reconnecting planned) {
            call.close();
            call = null;
            connection.nodes.move(planned.address());
            pause = planned.delay();
        }
        return next;
    }
}
