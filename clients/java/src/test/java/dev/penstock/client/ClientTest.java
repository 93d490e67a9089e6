package dev.penstock.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.RetryInfo;
import dev.penstock.client.errors.DeadlineExceededException;
import dev.penstock.client.errors.InvalidRowException;
import dev.penstock.client.errors.LogUnavailableException;
import dev.penstock.client.errors.UnknownRelationException;
import dev.penstock.v1.AppendAck;
import dev.penstock.v1.AppendRequest;
import dev.penstock.v1.AppendResponse;
import dev.penstock.v1.AppendServiceGrpc;
import dev.penstock.v1.CatalogServiceGrpc;
import dev.penstock.v1.ErrorReason;
import dev.penstock.v1.ExpressionError;
import dev.penstock.v1.GetRelationRequest;
import dev.penstock.v1.GetRelationResponse;
import dev.penstock.v1.GetRequest;
import dev.penstock.v1.GetResponse;
import dev.penstock.v1.GetTopologyRequest;
import dev.penstock.v1.GetTopologyResponse;
import dev.penstock.v1.LookupServiceGrpc;
import dev.penstock.v1.TopologyServiceGrpc;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.ContextPropagators;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClientTest {

    private final Fake fake = new Fake();

    @AfterEach
    void end() {
        fake.close();
    }

    /** A service that answers GetTopology as it is told. */
    private static TopologyServiceGrpc.ImplBase topologies(java.util.function.Consumer<StreamObserver<GetTopologyResponse>> answer) {
        return new TopologyServiceGrpc.ImplBase() {
            @Override
            public void getTopology(GetTopologyRequest request, StreamObserver<GetTopologyResponse> responses) {
                answer.accept(responses);
            }
        };
    }

    private static void done(StreamObserver<GetTopologyResponse> responses) {
        responses.onNext(GetTopologyResponse.getDefaultInstance());
        responses.onCompleted();
    }

    @Test
    void errorsHaveTheClassOfTheirReason() throws Exception {
        fake.node("a", new CatalogServiceGrpc.ImplBase() {
            @Override
            public void getRelation(GetRelationRequest request, StreamObserver<GetRelationResponse> responses) {
                responses.onError(Fake.refusal(5, "UNKNOWN_RELATION", "there is no X", ExpressionError.newBuilder()
                        .setField("sql").setNode("n").setStart(3).setEnd(5).setMessage("here").build()));
            }
        });
        try (PenstockClient client = fake.client("a").build()) {
            var unknown = assertThrows(UnknownRelationException.class, () -> client.relation("X"));
            assertEquals("UNKNOWN_RELATION: there is no X", unknown.getMessage());
            assertEquals(Status.Code.NOT_FOUND, unknown.code());
            assertEquals(Map.of("relation", "X"), unknown.metadata());
            assertEquals(new PenstockException.ExpressionPlace("sql", "n", 3, 5, "here"), unknown.expression());
        }
    }

    @Test
    void everyReasonHasItsClass() {
        for (ErrorReason reason : ErrorReason.values()) {
            String name = reason.name().replace("ERROR_REASON_", "");
            if (reason != ErrorReason.UNRECOGNIZED && reason != ErrorReason.ERROR_REASON_UNSPECIFIED) {
                var failure = PenstockException.Failure.plain(Status.Code.UNKNOWN, "").reason(name);
                assertNotEquals(PenstockException.class, dev.penstock.client.errors.ByReason.of(failure).getClass(), name);
            }
        }
    }

    @Test
    void aTokenFileIsReadAgainWhenItChanges(@TempDir Path folder) throws Exception {
        Path path = folder.resolve("token");
        Files.writeString(path, "one\n");
        TokenFile file = new TokenFile(path);
        assertEquals("one", file.get());
        Path next = Files.writeString(folder.resolve("next"), "two");
        Files.move(next, path, StandardCopyOption.REPLACE_EXISTING);
        assertEquals("two", file.get());
        Files.writeString(next, "token: three");
        assertThrows(IllegalArgumentException.class, () -> new TokenFile(next));
    }

    @Test
    void callsAreRepeatedWhereThatChangesNothing() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        fake.node("a", topologies(responses -> {
            if (calls.incrementAndGet() < 3) {
                responses.onError(Fake.refusal(14, "DRAINING", "stopping", RetryInfo.newBuilder()
                        .setRetryDelay(Times.message(Duration.ofMillis(20))).build()));
            } else {
                done(responses);
            }
        }), new AppendServiceGrpc.ImplBase() {
            @Override
            public void append(AppendRequest request, StreamObserver<AppendResponse> responses) {
                calls.incrementAndGet();
                responses.onError(Fake.refusal(14, "LOG_UNAVAILABLE", "no log"));
            }
        });
        try (PenstockClient client = fake.client("a").retry(new Retry(3, Duration.ofMillis(1), Duration.ofMillis(5))).build()) {
            long began = System.nanoTime();
            client.topology("x");
            assertTrue(System.nanoTime() - began >= 40_000_000, "RetryInfo is kept");
            calls.set(0);
            List<Map<String, Object>> rows = List.of(Map.of("n", 1));
            assertThrows(LogUnavailableException.class, () -> client.append("x", rows, o -> o.json()));
            assertEquals(1, calls.getAndSet(0));
            assertThrows(LogUnavailableException.class, () -> client.append("x", rows, o -> o.json().producer("p", 1)));
            assertEquals(3, calls.get());
        }
    }

    @Test
    void deadlinesAndCancellationAndClosing() throws Exception {
        fake.node("a", topologies(responses -> { }));
        try (PenstockClient client = fake.client("a").timeout(Duration.ofMillis(50)).build()) {
            assertThrows(DeadlineExceededException.class, () -> client.topology("x"));
        }
        try (PenstockClient client = fake.client("a").build()) {
            Context.CancellableContext context = Context.current().withCancellation();
            CompletableFuture.runAsync(() -> context.cancel(null), CompletableFuture.delayedExecutor(50, java.util.concurrent.TimeUnit.MILLISECONDS));
            var cancelled = assertThrows(PenstockException.class, () -> context.call(() -> client.topology("x")));
            assertEquals(Status.Code.CANCELLED, cancelled.code());
            CompletableFuture<?> waits = CompletableFuture.runAsync(() -> client.topology("x"));
            CompletableFuture.runAsync(client::close, CompletableFuture.delayedExecutor(50, java.util.concurrent.TimeUnit.MILLISECONDS));
            assertInstanceOf(ClosedException.class, assertThrows(ExecutionException.class, waits::get).getCause());
            assertThrows(ClosedException.class, () -> client.topology("x"));
            assertThrows(ClosedException.class, () -> client.subscribe("x"));
        }
    }

    @Test
    void callsGoToANodeThatIsThere() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        fake.node("two", topologies(responses -> {
            calls.incrementAndGet();
            done(responses);
        }));
        try (PenstockClient client = fake.client("one, two").build()) {
            client.topology("x");
            client.topology("x");
        }
        assertEquals(2, calls.get());
        try (PenstockClient client = fake.client("one").retry(Retry.NONE).build()) {
            assertThrows(UnreachableException.class, () -> client.topology("x"));
        }
    }

    @Test
    void lookupsGoToTheOwnerThatAnAnswerNamedUntilThatIsGone() throws Exception {
        Map<String, AtomicInteger> asked = Map.of("one", new AtomicInteger(), "two", new AtomicInteger(), "three", new AtomicInteger());
        AtomicReference<String> owner = new AtomicReference<>("two");
        AtomicBoolean drains = new AtomicBoolean();
        fake.node("one", lookups(responses -> {
            asked.get("one").incrementAndGet();
            found(responses, owner.get());
        }));
        fake.node("two", lookups(responses -> {
            asked.get("two").incrementAndGet();
            if (drains.get()) {
                responses.onError(Fake.refusal(14, "DRAINING", "it drains"));
            } else {
                found(responses, "");
            }
        }));
        fake.node("three", lookups(responses -> asked.get("three").incrementAndGet())); // never answers
        try (PenstockClient client = fake.client("one").build()) {
            List.of("a", "a", "b", "a").forEach(key -> assertNull(client.get("x", key)));
            assertEquals(2, asked.get("one").get(), "the first of each key is passed on");
            assertEquals(2, asked.get("two").get(), "the others go straight");
            drains.set(true);
            List.of("a", "a", "b").forEach(key -> assertNull(client.get("x", key)));
            assertEquals(5, asked.get("one").get());
            assertEquals(3, asked.get("two").get(), "nobody goes back to a node that drains, though answers still name it");
            owner.set("three");
            List.of("c", "c", "c").forEach(key -> assertNull(client.get("x", key)));
            assertEquals(8, asked.get("one").get());
            assertEquals(1, asked.get("three").get(), "nor to one that was silent, which is waited for only once");
            assertThrows(UnknownRelationException.class, () -> client.get("y", "a"));
        }
    }

    private static LookupServiceGrpc.ImplBase lookups(java.util.function.Consumer<StreamObserver<GetResponse>> answer) {
        return new LookupServiceGrpc.ImplBase() {
            @Override
            public void get(GetRequest request, StreamObserver<GetResponse> responses) {
                if (request.getRelation().equals("x")) {
                    answer.accept(responses);
                } else {
                    responses.onError(Fake.refusal(5, "UNKNOWN_RELATION", "there is no such table"));
                }
            }
        };
    }

    private static void found(StreamObserver<GetResponse> responses, String owner) {
        responses.onNext(GetResponse.newBuilder().setOwner(owner).build());
        responses.onCompleted();
    }

    @Test
    void tokensAndTraceContextAreSent() throws Exception {
        AtomicReference<Metadata> got = new AtomicReference<>();
        fake.node("a", new io.grpc.BindableService() {
            @Override
            public io.grpc.ServerServiceDefinition bindService() {
                return ServerInterceptors.intercept(topologies(ClientTest::done), new ServerInterceptor() {
                    @Override
                    public <Q, R> ServerCall.Listener<Q> interceptCall(ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                        got.set(headers);
                        return Contexts.interceptCall(Context.current(), call, headers, next);
                    }
                });
            }
        });
        GlobalOpenTelemetry.resetForTest();
        GlobalOpenTelemetry.set(OpenTelemetry.propagating(ContextPropagators.create(W3CTraceContextPropagator.getInstance())));
        Span span = Span.wrap(SpanContext.create(
                "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", TraceFlags.getSampled(), TraceState.getDefault()));
        try (PenstockClient client = fake.client("a").token("t1").build(); Scope scope = span.makeCurrent()) {
            client.topology("x");
        } finally {
            GlobalOpenTelemetry.resetForTest();
        }
        assertEquals("Bearer t1", got.get().get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER)));
        assertEquals("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                got.get().get(Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER)));
        assertThrows(IllegalArgumentException.class, () -> PenstockClient.builder("10.0.0.1:7550").token("t").build());
    }

    @Test
    void refusedRowsAreNamed() throws Exception {
        AppendAck ack = AppendAck.newBuilder().addRowErrors(dev.penstock.v1.RowError.newBuilder().setRow(1).setError(
                io.grpc.protobuf.StatusProto.fromThrowable(Fake.refusal(3, "INVALID_ROW", "no number")))).build();
        fake.node("a", new AppendServiceGrpc.ImplBase() {
            @Override
            public void append(AppendRequest request, StreamObserver<AppendResponse> responses) {
                responses.onNext(AppendResponse.newBuilder().setAck(ack).build());
                responses.onCompleted();
            }
        });
        List<Map<String, Object>> rows = List.of(Map.of("n", 1), Map.of("n", "a"));
        try (PenstockClient client = fake.client("a").build()) {
            var invalid = assertThrows(InvalidRowException.class, () -> client.append("x", rows, o -> o.json()));
            assertEquals("row 1: no number", invalid.text());
            assertEquals(1, invalid.rowErrors().get(0).row());
            assertEquals("INVALID_ROW", client.append("x", rows, o -> o.json().skipInvalid()).rowErrors().get(0).reason());
        }
    }
}
