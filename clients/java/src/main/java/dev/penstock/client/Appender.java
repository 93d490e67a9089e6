package dev.penstock.client;

import dev.penstock.v1.AppendBatch;
import dev.penstock.v1.AppendServiceGrpc;
import dev.penstock.v1.AppendStreamRequest;
import dev.penstock.v1.AppendStreamResponse;
import io.grpc.CallOptions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Writes batches in order, many on their way at once; after a broken connection they are sent again, and written once. It is safe for many threads. A
 * refused batch ends it: the next call says why.
 */
public final class Appender implements AutoCloseable {

    private final Connection connection;
    private final String producer;
    private final AppendOptions how;
    private final Function<List<?>, AppendBatch.Builder> encode;
    private final Appending state; // guarded by this
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile StreamCall<AppendStreamRequest, AppendStreamResponse> call;
    private RuntimeException failed; // guarded by this

    Appender(Connection connection, String producer, AppendOptions how, Function<List<?>, AppendBatch.Builder> encode) {
        this.connection = connection;
        this.producer = producer;
        this.how = how;
        this.encode = encode;
        this.state = new Appending(producer, connection.retry, how.skipInvalid);
        connection.own(this);
        Thread thread = new Thread(this::run, "penstock-appender");
        thread.setDaemon(true);
        thread.start();
    }

    /** Under which id sequences count. */
    public String producerId() {
        return producer;
    }

    /** The sequence of the newest batch that was handed in; before the first, what the service has of this producer. It waits for the connection. */
    public synchronized long lastSequence() {
        await(state::started);
        return state.sequence();
    }

    /** Hands in one batch of rows: maps by column name, or records. It waits only while as many are on their way as the service takes. */
    public void append(List<?> rows) {
        AppendBatch.Builder batch = how.mark(encode.apply(rows));
        synchronized (this) {
            await(state::room);
            call.send(state.add(batch));
        }
    }

    /** Hands in one row. */
    public void append(Map<String, ?> row) {
        append(List.of(row));
    }

    /** Waits until every batch is durable; the position that includes them all. */
    public synchronized String flush() {
        await(state::idle);
        return state.position();
    }

    /** As flush(), but for this time at most. */
    public synchronized String flush(Duration limit) throws TimeoutException {
        if (!await(state::idle, System.nanoTime() + limit.toNanos())) {
            throw new TimeoutException("the service has not acknowledged within " + limit);
        }
        return state.position();
    }

    /** The number of rows acknowledged so far. */
    public synchronized long appended() {
        return state.appended();
    }

    /** Ends it at once; batches without an acknowledgement may or may not have been written. flush() first to know. */
    @Override
    public void close() {
        closed.countDown();
        StreamCall<?, ?> now = call;
        if (now != null) {
            now.close();
        }
        connection.forget(this);
        synchronized (this) {
            if (failed == null) {
                failed = new ClosedException();
            }
            notifyAll();
        }
    }

    private void await(BooleanSupplier condition) {
        await(condition, Long.MAX_VALUE);
    }

    /** Waits, holding the lock, until a condition holds: false when that is not before a time of System.nanoTime(). */
    private boolean await(BooleanSupplier condition, long end) {
        while (failed != null || !condition.getAsBoolean()) {
            if (failed != null) {
                failed.addSuppressed(new Throwable("here")); // where this caller stands; the failure itself came in another thread
                throw failed;
            }
            long left = end == Long.MAX_VALUE ? 0 : (end - System.nanoTime()) / 1_000_000;
            if (end != Long.MAX_VALUE && left <= 0) {
                return false;
            }
            try {
                wait(left);
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                throw new PenstockException(PenstockException.Failure.plain(io.grpc.Status.Code.CANCELLED, "interrupted"));
            }
        }
        return true;
    }

    /** Connects, takes acknowledgements, and connects again. */
    private void run() {
        Duration wait = Duration.ZERO;
        while (!Connection.pause(wait, closed)) {
            try {
                connection();
            } catch (PenstockException error) {
                wait = broke(error);
            } catch (RuntimeException refused) {
                fail(refused);
            }
            call.close();
        }
    }

    private Duration broke(PenstockException error) {
        try {
            synchronized (this) {
                return state.broke(error);
            }
        } catch (PenstockException last) {
            fail(last);
            return Duration.ZERO;
        }
    }

    private void fail(RuntimeException error) {
        synchronized (this) {
            if (failed == null) {
                failed = error;
            }
        }
        close();
    }

    /** Opens one stream and takes its answers until it breaks. */
    private void connection() {
        call = StreamCall.open(connection.nodes, AppendServiceGrpc.APPEND_STREAM, CallOptions.DEFAULT);
        if (closed.getCount() == 0) {
            return;
        }
        AppendStreamRequest open;
        synchronized (this) {
            open = state.open();
        }
        call.send(open);
        while (true) {
            AppendStreamResponse response = call.endless();
            synchronized (this) {
                if (response.hasOpened()) {
                    // With the lock held, so that batches that waited are sent before new ones.
                    state.opened(response.getOpened()).forEach(call::send);
                } else {
                    state.acknowledge(response.getAck());
                }
                notifyAll();
            }
        }
    }
}
