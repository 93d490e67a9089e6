package dev.penstock.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** One streaming call, whose messages are taken one by one; only a few wait here, so that a reader that stops holds the service back. */
final class StreamCall<Q, R> extends ClientCall.Listener<R> implements AutoCloseable {

    /** Messages that may wait here. */
    private static final int AHEAD = 4;

    private record End(Status status, Metadata trailers) {
    }

    private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
    private final ClientCall<Q, R> call;
    private boolean left;

    private StreamCall(ClientCall<Q, R> call) {
        this.call = call;
    }

    /** A call in both directions. options: of gRPC. */
    static <Q, R> StreamCall<Q, R> open(Channel channel, MethodDescriptor<Q, R> method, CallOptions options) {
        StreamCall<Q, R> out = new StreamCall<>(channel.newCall(method, options));
        out.call.start(out, new Metadata());
        out.call.request(AHEAD);
        return out;
    }

    /** A call with one request. */
    static <Q, R> StreamCall<Q, R> open(Channel channel, MethodDescriptor<Q, R> method, Q request) {
        StreamCall<Q, R> out = open(channel, method, CallOptions.DEFAULT);
        out.call.sendMessage(request);
        out.call.halfClose();
        return out;
    }

    /** Sends a message, if the call has not ended; its failure shows in next(). */
    synchronized void send(Q message) {
        if (!left) {
            call.sendMessage(message);
        }
    }

    /** Says that no more messages will be sent. */
    synchronized void finish() {
        if (!left) {
            call.halfClose();
        }
    }

    /** The next message; null when the service has ended the call well. */
    @SuppressWarnings("unchecked")
    R next() {
        Object message;
        try {
            message = arrived.take();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            close();
            throw Failures.of(Status.CANCELLED.withDescription("interrupted").withCause(stopped), new Metadata());
        }
        if (message instanceof End end) {
            arrived.add(end); // whoever asks again is told again
            if (end.status.isOk()) {
                return null;
            }
            throw Failures.of(end.status, end.trailers);
        }
        call.request(1);
        return (R) message;
    }

    /** The next message of a call that the service ends only on failure. */
    R endless() {
        R message = next();
        if (message == null) {
            throw new UnreachableException("the connection ended");
        }
        return message;
    }

    @Override
    public synchronized void close() {
        if (!left) {
            left = true;
            call.cancel("the client has left", null);
        }
    }

    @Override
    public void onMessage(R message) {
        arrived.add(message);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        arrived.add(new End(status, trailers));
    }
}
