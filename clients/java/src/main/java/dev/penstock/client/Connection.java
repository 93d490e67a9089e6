package dev.penstock.client;

import dev.penstock.client.errors.DeadlineExceededException;
import dev.penstock.v1.GetRequest;
import dev.penstock.v1.GetResponse;
import dev.penstock.v1.LookupServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongFunction;

/** What every call of a client needs: the nodes, how calls are repeated and bounded, and what ends with the client. */
final class Connection {

    /** How long a node that was never reached may take for what a nearer one would have passed on. */
    private static final Duration FIRST_CALL = Duration.ofSeconds(1);

    final Nodes nodes;
    final Retry retry;
    private final Duration timeout;
    private final Owners owners = new Owners();
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
        return repeated(end -> ask(nodes, method, request, end), repeatable, patience);
    }

    /** A lookup: it asks the owner of the key, where an answer has named it and it answers, else the current node, which passes the call on. */
    GetResponse lookUp(GetRequest request, Duration patience) {
        return repeated(end -> {
            GetResponse found = straight(request, end);
            if (found == null) {
                found = ask(nodes, LookupServiceGrpc.GET, request, end);
            }
            owners.learn(request, found.getOwner());
            return found;
        }, true, patience);
    }

    /** The owner's answer; null where it is not known or not to be reached. */
    private GetResponse straight(GetRequest request, long end) {
        String owner = owners.of(request);
        Channel channel = owner == null || owner.equals(nodes.current()) ? null : nodes.at(owner);
        if (channel == null) {
            return null;
        }
        long soon = System.nanoTime() + FIRST_CALL.toNanos();
        try {
            GetResponse found = ask(channel, LookupServiceGrpc.GET, request, owners.reached(owner) || end - soon < 0 ? end : soon);
            owners.answered(owner);
            return found;
        } catch (PenstockException failed) {
            // A node that cannot be reached may say nothing at all.
            boolean silent = failed instanceof DeadlineExceededException && !Context.current().isCancelled();
            if (!silent && !Nodes.away(failed)) {
                throw failed;
            }
            owners.shun(owner);
            if (end - System.nanoTime() <= 0) {
                throw failed;
            }
            return null;
        }
    }

    /** One attempt of a call, until a time of System.nanoTime(). */
    private <Q, R> R ask(Channel channel, MethodDescriptor<Q, R> method, Q request, long end) {
        try {
            CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
            return ClientCalls.blockingUnaryCall(channel, method, options, request);
        } catch (StatusRuntimeException error) {
            throw closed() ? new ClosedException() : Failures.of(error.getStatus(), error.getTrailers());
        }
    }

    /** A call of many messages, made once and bounded by the timeout. */
    <Q, R, T> T streamed(MethodDescriptor<Q, R> method, Function<StreamCall<Q, R>, T> conversation) {
        CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
        try (StreamCall<Q, R> call = StreamCall.open(nodes, method, options)) {
            own(call);
            try {
                return conversation.apply(call);
            } catch (PenstockException failed) {
                throw closed() ? new ClosedException() : failed;
            } finally {
                forget(call);
            }
        }
    }

    /** attempt: is given until when it may last, by System.nanoTime(). */
    private <R> R repeated(LongFunction<R> attempt, boolean repeatable, Duration patience) {
        long end = System.nanoTime() + timeout.plus(patience).toNanos();
        for (int number = 1;; number++) {
            PenstockException failed;
            try {
                return attempt.apply(end);
            } catch (PenstockException error) {
                failed = error;
            }
            Duration wait = retry.waitAfter(number, failed);
            boolean again = repeatable && number < retry.attempts() && Retry.helps(failed) && !Context.current().isCancelled();
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
