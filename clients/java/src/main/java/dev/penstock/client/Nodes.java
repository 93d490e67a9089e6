package dev.penstock.client;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** The nodes of a service as one channel: calls go to one of them, and to the next when that one is gone. */
final class Nodes extends Channel {

    /** Reasons for which another node may do better, besides not being reached. */
    private static final Set<String> ELSEWHERE = Set.of("", "DRAINING", "LOG_UNAVAILABLE");

    private final Function<String, ManagedChannel> connect;
    private final CallCredentials credentials;
    private final List<String> addresses;
    private final Map<String, ManagedChannel> channels = new HashMap<>();
    private String current;
    private boolean shut;

    /** connect: the channel to an address, IllegalArgumentException where it may not be used; credentials: null for none. */
    Nodes(List<String> addresses, Function<String, ManagedChannel> connect, CallCredentials credentials) {
        this.connect = connect;
        this.credentials = credentials;
        this.addresses = new ArrayList<>(addresses);
        this.current = addresses.get(0);
        // What is wrong with any of them is said at once, not when the others are gone. gRPC connects at the first call.
        addresses.forEach(address -> channels.put(address, connect.apply(address)));
    }

    synchronized String current() {
        return current;
    }

    @Override
    public synchronized String authority() {
        return channels.get(current).authority();
    }

    @Override
    public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
        String address;
        ManagedChannel channel;
        synchronized (this) {
            address = current;
            channel = channels.get(address);
        }
        return new SimpleForwardingClientCall<>(call(channel, method, options)) {
            @Override
            public void start(Listener<R> listener, Metadata headers) {
                super.start(new SimpleForwardingClientCallListener<>(listener) {
                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        leave(address, status, trailers);
                        super.onClose(status, trailers);
                    }
                }, headers);
            }
        };
    }

    private <Q, R> ClientCall<Q, R> call(ManagedChannel channel, MethodDescriptor<Q, R> method, CallOptions options) {
        if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
            channel.resetConnectBackoff(); // repeats are this client's own, so a service that is back is found at once
        }
        return channel.newCall(method, credentials == null ? options : options.withCallCredentials(credentials));
    }

    /** One node as a channel, which no failure leaves; null where it may not be used by this client's means. */
    Channel at(String address) {
        ManagedChannel channel = opened(address);
        return channel == null ? null : new Channel() {
            @Override
            public String authority() {
                return channel.authority();
            }

            @Override
            public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
                return call(channel, method, options);
            }
        };
    }

    private synchronized ManagedChannel opened(String address) {
        try {
            return shut ? channels.get(address) : channels.computeIfAbsent(address, connect);
        } catch (IllegalArgumentException refused) {
            return null;
        }
    }

    /** Whether another node may answer what one did not. */
    static boolean away(PenstockException failed) {
        return failed.code() == Status.Code.UNAVAILABLE && ELSEWHERE.contains(failed.reason());
    }

    /** A call to an address has ended: later ones go to the next, if that may do better and nobody has moved on already. */
    private void leave(String address, Status status, Metadata trailers) {
        if (status.getCode() != Status.Code.UNAVAILABLE || !away(Failures.of(status, trailers))) {
            return;
        }
        synchronized (this) {
            if (address.equals(current)) {
                current = addresses.get((addresses.indexOf(address) + 1) % addresses.size());
            }
        }
    }

    /** Goes to the node that the service names. One that may not be used by this client's means is left aside. */
    synchronized void move(String address) {
        if (address.isEmpty() || opened(address) == null) {
            return;
        }
        if (!addresses.contains(address)) {
            addresses.add(address);
        }
        current = address;
    }

    synchronized void shutdownNow() {
        shut = true;
        channels.values().forEach(ManagedChannel::shutdownNow);
    }
}
