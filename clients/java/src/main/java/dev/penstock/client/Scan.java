package dev.penstock.client;

import dev.penstock.v1.LookupServiceGrpc;
import dev.penstock.v1.ScanRequest;
import dev.penstock.v1.ScanResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A scan of a table, read once, by rows or by batches(). It begins when it is read, and goes on over broken connections; whoever stops before the end
 * closes it.
 */
public final class Scan implements Iterable<Row>, AutoCloseable {

    private final Connection connection;
    private final ScanRequest request;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Pull<Batch> batches = new Pull<>(this::fetch);
    private final Pull<Row> rows = new Pull<>(this::fetchRow);
    private volatile StreamCall<ScanRequest, ScanResponse> call;
    private String cursor;
    private String position = "";
    private long taken;
    private int attempt = 1;
    private RowSchema schema;
    private Iterator<Row> batch;

    Scan(Connection connection, ScanRequest request) {
        this.connection = connection;
        this.request = request;
        this.cursor = request.getCursor();
        connection.own(this);
    }

    /** Goes on after what was read, in another scan of the same relation and conditions. */
    public String cursor() {
        return cursor;
    }

    /** At the end of the scan, starts a subscription to the changes since; empty before. */
    public String position() {
        return position;
    }

    @Override
    public Iterator<Row> iterator() {
        return rows;
    }

    /** The rows. */
    public Stream<Row> stream() {
        return StreamSupport.stream(spliterator(), false).onClose(this::close);
    }

    /** The rows as they come. */
    public Iterable<Batch> batches() {
        return () -> batches;
    }

    /** Ends it at once. */
    @Override
    public void close() {
        closed.countDown();
        StreamCall<?, ?> now = call;
        if (now != null) {
            now.close();
        }
        connection.forget(this);
    }

    private Row fetchRow() {
        while (batch == null || !batch.hasNext()) {
            Batch next = fetch();
            if (next == null) {
                return null;
            }
            batch = next.iterator();
        }
        return batch.next();
    }

    /** The next rows; null at the end. */
    private Batch fetch() {
        try {
            while (!done()) {
                Batch next = receive();
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

    /** Only the last response has a position. */
    private boolean done() {
        return closed.getCount() == 0 || !position.isEmpty() || request.getLimit() > 0 && taken >= request.getLimit();
    }

    private Batch receive() {
        try {
            if (call == null) {
                call = StreamCall.open(connection.nodes, LookupServiceGrpc.SCAN, request.toBuilder().setCursor(cursor).build());
                if (closed.getCount() == 0) {
                    call.close();
                }
            }
            Batch out = take(call.endless());
            attempt = 1;
            return out;
        } catch (PenstockException error) {
            if (closed.getCount() == 0) {
                throw new ClosedException();
            }
            call.close();
            call = null;
            Duration wait = connection.retry.waitAfter(attempt, error);
            if (!Retry.helps(error) || attempt >= connection.retry.attempts() || Connection.pause(wait, closed)) {
                throw error;
            }
            attempt++;
            return null;
        }
    }

    /** The rows of a response, null when it has none. */
    private Batch take(ScanResponse response) {
        if (response.hasSchema()) {
            schema = RowSchema.of(response.getSchema());
        }
        position = response.getPosition().getValue();
        if (!response.getCursor().isEmpty()) {
            cursor = response.getCursor();
        }
        if (response.getRows().getRowCount() == 0) {
            return null;
        }
        Decoder.check(schema != null, "rows came before their schema");
        Batch out = Batch.of(schema, response.getRows(), position, false);
        if (request.getLimit() > 0) {
            out = out.head(request.getLimit() - taken); // a scan that was broken off counts its limit anew
        }
        taken += out.size();
        return out;
    }
}
