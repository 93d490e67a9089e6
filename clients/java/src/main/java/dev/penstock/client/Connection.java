package dev.penstock.client;

import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What every call of a client needs: the nodes, how calls are repeated and bounded, and what ends with the client. */
final class Connection {

    final Nodes nodes;
    final Retry retry;
    private final Duration timeout;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Set<AutoCloseable> streams = ConcurrentHashMap.newKeySet();

    Connection(Nodes nodes, Retry retry, Duration timeout) {
        this.nodes = nodes;
        this.retry = retry;
        this.timeout = timeout;
    }

    /** A call that may be repeated: after an unknown outcome that changes nothing. */
    <Q, R> R call(MethodDescriptor<Q, R> method, Q request) {
        return call(method, request, true, Duration.ZERO);
    }

    /** A call that is made once. */
    <Q, R> R once(MethodDescriptor<Q, R> method, Q request) {
        return call(method, request, false, Duration.ZERO);
    }

    /** A unary call, repeated while that helps and the time allows. patience: how long the service itself may wait, beyond the timeout. */
    <Q, R> R call(MethodDescriptor<Q, R> method, Q request, boolean repeatable, Duration patience) {
        long end = System.nanoTime() + timeout.plus(patience).toNanos();
        for (int attempt = 1;; attempt++) {
            PenstockException failed;
            try {
                CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
                return ClientCalls.blockingUnaryCall(nodes, method, options, request);
            } catch (StatusRuntimeException error) {
                failed = closed() ? new ClosedException() : Failures.of(error.getStatus(), error.getTrailers());
            }
            Duration wait = retry.waitAfter(attempt, failed);
            boolean again = repeatable && attempt < retry.attempts() && Retry.helps(failed) && !Context.current().isCancelled();
            if (!again || end - System.nanoTime() < wait.toNanos() || pause(wait, closing)) {
                throw closed() ? new ClosedException() : failed;
            }
        }
    }

    boolean closed() {
        return closing.getCount() == 0;
    }

    /** Ends with this connection, until it is forgotten. ClosedException when it has ended. */
    void own(AutoCloseable stream) {
        streams.add(stream);
        if (closed()) {
            streams.remove(stream);
            throw new ClosedException();
        }
    }

    void forget(AutoCloseable stream) {
        streams.remove(stream);
    }

    void close() {
        closing.countDown();
        for (AutoCloseable stream : streams) {
            try {
                stream.close();
            } catch (Exception impossible) {
                throw new IllegalStateException(impossible); // none of ours declares any
            }
        }
        nodes.shutdownNow();
    }

    /** Waits, at most until something ends: whether it has, or the thread was interrupted. */
    static boolean pause(Duration wait, CountDownLatch ended) {
        try {
            return ended.await(wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            return true;
        }
    }
}
