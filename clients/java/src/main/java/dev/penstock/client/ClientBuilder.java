package dev.penstock.client;

import io.grpc.CallCredentials;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** Settings of a client. */
public final class ClientBuilder {

    private static final int MAX_MESSAGE = 64 << 20;
    private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final List<String> addresses;
    private ChannelCredentials tls;
    private Supplier<String> token;
    private Retry retry = Retry.DEFAULT;
    private Duration timeout = Duration.ofSeconds(30);
    // Pings find dead connections of idle subscriptions; servers refuse more than one in 10 s.
    private Duration pingEvery = Duration.ofSeconds(30);
    private Duration pingTimeout = Duration.ofSeconds(10);
    private Consumer<ManagedChannelBuilder<?>> more = builder -> { };
    private Function<String, ManagedChannel> channels = this::channel;

    ClientBuilder(String addresses) {
        this.addresses = Arrays.stream(addresses.split(",")).map(String::strip).filter(address -> !address.isEmpty()).toList();
        if (this.addresses.isEmpty()) {
            throw new IllegalArgumentException("an address is host:port, several are separated by commas");
        }
    }

    /** Speaks TLS and trusts the authorities that Java trusts. */
    public ClientBuilder tls() {
        return tls(TlsChannelCredentials.create());
    }

    /** Speaks TLS and trusts the authorities in a PEM file. */
    public ClientBuilder tls(Path authorities) {
        try {
            return tls(TlsChannelCredentials.newBuilder().trustManager(authorities.toFile()).build());
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** Speaks TLS with a certificate of the client's own, trusts the authorities in a PEM file. certificate, key: PEM files. */
    public ClientBuilder tls(Path authorities, Path certificate, Path key) {
        try {
            return tls(TlsChannelCredentials.newBuilder().trustManager(authorities.toFile()).keyManager(certificate.toFile(), key.toFile()).build());
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** The name in the service's certificate, where it is not that of the address. */
    public ClientBuilder serverName(String name) {
        return configure(channel -> channel.overrideAuthority(name));
    }

    /** Speaks TLS with credentials of gRPC, such as {@code TlsChannelCredentials} with a key of another kind. */
    public ClientBuilder tls(ChannelCredentials credentials) {
        tls = credentials;
        return this;
    }

    /** Sends a bearer token with each call. Without TLS only loopback addresses are allowed. */
    public ClientBuilder token(String fixed) {
        return token(() -> fixed);
    }

    /**
     * Sends a bearer token with each call, for which the supplier, such as a {@link TokenFile}, is asked each time, so that tokens can be renewed; a
     * stream whose token has expired goes on with what it gives then.
     */
    public ClientBuilder token(Supplier<String> supplier) {
        token = supplier;
        return this;
    }

    /** How calls are repeated. */
    public ClientBuilder retry(Retry how) {
        retry = how;
        return this;
    }

    /** Bounds each unary call, all its attempts together; 30 s otherwise. */
    public ClientBuilder timeout(Duration limit) {
        timeout = limit;
        return this;
    }

    /** How dead connections are found: a ping after each time without traffic, and how long its answer may take. Servers refuse more than one in 10 s. */
    public ClientBuilder keepAlive(Duration every, Duration answer) {
        pingEvery = every;
        pingTimeout = answer;
        return this;
    }

    /** Further settings of each channel, such as interceptors. The trace context of OpenTelemetry is sent without one. */
    public ClientBuilder configure(Consumer<ManagedChannelBuilder<?>> channel) {
        more = more.andThen(channel);
        return this;
    }

    /** In place of channels over the network. */
    ClientBuilder channels(Function<String, ManagedChannel> connect) {
        channels = connect;
        return this;
    }

    /** The client. It does not wait for the service; the first call does. IllegalArgumentException when a token would travel in plain text. */
    public PenstockClient build() {
        Nodes nodes = new Nodes(addresses, channels, token == null ? null : new Bearer(token));
        return new PenstockClient(new Connection(nodes, retry, timeout));
    }

    /** The nodes alone, for a worker of remote processors. */
    Nodes nodes() {
        return new Nodes(addresses, channels, token == null ? null : new Bearer(token));
    }

    private ManagedChannel channel(String address) {
        int colon = address.lastIndexOf(':');
        if (colon < 1 || !address.substring(colon + 1).matches("\\d{1,5}")) {
            throw new IllegalArgumentException("the address '" + address + "' is not host:port");
        }
        if (token != null && tls == null && !loopback(address.substring(0, colon))) {
            throw new IllegalArgumentException("a token would be sent to " + address + " in plain text: use tls()");
        }
        ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(address, tls == null ? InsecureChannelCredentials.create() : tls)
                .keepAliveTime(pingEvery.toMillis(), TimeUnit.MILLISECONDS).keepAliveTimeout(pingTimeout.toMillis(), TimeUnit.MILLISECONDS)
                .keepAliveWithoutCalls(true).maxInboundMessageSize(MAX_MESSAGE)
                .disableRetry(); // repeats are this client's own: gRPC's would not see RetryInfo, nor resume
        Trace.interceptor().ifPresent(builder::intercept);
        more.accept(builder);
        return builder.build();
    }

    private static boolean loopback(String host) {
        try {
            boolean literal = host.matches("[0-9.]+|\\[[0-9a-fA-F:.]+\\]"); // a name is not asked for
            return host.equals("localhost") || literal && InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException none) {
            return false;
        }
    }

    /** Sends a token as the header `authorization`. */
    private static final class Bearer extends CallCredentials {

        private final Supplier<String> token;

        Bearer(Supplier<String> token) {
            this.token = token;
        }

        @Override
        public void applyRequestMetadata(RequestInfo request, Executor executor, MetadataApplier applier) {
            executor.execute(() -> {
                Metadata headers = new Metadata();
                try {
                    headers.put(AUTHORIZATION, "Bearer " + token.get());
                } catch (RuntimeException failed) {
                    applier.fail(Status.UNAUTHENTICATED.withDescription("there is no token: " + failed).withCause(failed));
                    return;
                }
                applier.apply(headers);
            });
        }
    }
}
