package dev.penstock.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.penstock.v1.AppendAck;
import dev.penstock.v1.AppendOpened;
import dev.penstock.v1.AppendServiceGrpc;
import dev.penstock.v1.AppendStreamRequest;
import dev.penstock.v1.AppendStreamResponse;
import dev.penstock.v1.CaughtUp;
import dev.penstock.v1.Column;
import dev.penstock.v1.ColumnData;
import dev.penstock.v1.End;
import dev.penstock.v1.EndReason;
import dev.penstock.v1.LongArray;
import dev.penstock.v1.PositionToken;
import dev.penstock.v1.RowBatch;
import dev.penstock.v1.Rows;
import dev.penstock.v1.Schema;
import dev.penstock.v1.SubscribeRequest;
import dev.penstock.v1.SubscribeResponse;
import dev.penstock.v1.SubscriptionServiceGrpc;
import dev.penstock.v1.TypeKind;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StreamsTest {

    private static final Retry QUICK = new Retry(5, Duration.ofMillis(1), Duration.ofMillis(10));

    private final Fake fake = new Fake();
    private final List<String> starts = java.util.Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void end() {
        fake.close();
    }

    /** A service whose n-th subscription (from 1) is answered by what is given. */
    private SubscriptionServiceGrpc.ImplBase pushes(BiConsumer<Integer, StreamObserver<SubscribeResponse>> answer) {
        AtomicInteger calls = new AtomicInteger();
        return new SubscriptionServiceGrpc.ImplBase() {
            @Override
            public void subscribe(SubscribeRequest request, StreamObserver<SubscribeResponse> responses) {
                starts.add(request.getStart().getAfter().getValue());
                send(responses, e -> e.getSchemaBuilder().setId(1).setSchema(Schema.newBuilder().addColumns(
                        Column.newBuilder().setName("N").setType(dev.penstock.v1.Type.newBuilder().setKind(TypeKind.TYPE_KIND_BIGINT)))));
                answer.accept(calls.incrementAndGet(), responses);
            }
        };
    }

    private static void send(StreamObserver<SubscribeResponse> responses, java.util.function.Consumer<dev.penstock.v1.Event.Builder> event) {
        SubscribeResponse.Builder out = SubscribeResponse.newBuilder();
        event.accept(out.getEventBuilder());
        responses.onNext(out.build());
    }

    private static void rows(StreamObserver<SubscribeResponse> responses, String position, long... values) {
        LongArray.Builder longs = LongArray.newBuilder();
        for (long value : values) {
            longs.addValues(value);
        }
        send(responses, e -> e.setRows(Rows.newBuilder().setPosition(PositionToken.newBuilder().setValue(position)).setBatch(
                RowBatch.newBuilder().setRowCount(values.length).addColumns(ColumnData.newBuilder().setLongs(longs)))));
    }

    private static void finish(StreamObserver<SubscribeResponse> responses, EndReason reason, String address) {
        send(responses, e -> e.setEnd(End.newBuilder().setReason(reason).setAddress(address)));
        responses.onCompleted();
    }

    private static List<Object> values(Iterable<Row> rows) {
        List<Object> out = new ArrayList<>();
        rows.forEach(row -> out.add(row.get("n")));
        return out;
    }

    @Test
    void aSubscriptionGoesOnAfterItsPosition() throws Exception {
        fake.node("a", pushes((call, responses) -> {
            if (call == 1) {
                rows(responses, "p1", 1, 2);
                responses.onError(Status.UNAVAILABLE.asException());
            } else {
                rows(responses, "p2", 3);
                finish(responses, EndReason.END_REASON_COMPLETED, "");
            }
        }));
        try (PenstockClient client = fake.client("a").retry(QUICK).build()) {
            Subscription subscription = client.subscribe("x");
            assertEquals(List.of(1L, 2L, 3L), values(subscription));
            assertEquals("p2", subscription.position());
            assertEquals(List.of("", "p1"), starts);
        }
    }

    @Test
    void aSubscriptionWhoseCredentialsExpiredGoesOnWithTheNext() throws Exception {
        fake.node("a", pushes((call, responses) -> {
            rows(responses, "p" + call, call);
            if (call == 1) {
                responses.onError(Fake.refusal(16, "CREDENTIALS_INVALID", "no principal has this token"));
            } else {
                finish(responses, call == 2 ? EndReason.END_REASON_CREDENTIALS_EXPIRED : EndReason.END_REASON_COMPLETED, "");
            }
        }));
        try (PenstockClient client = fake.client("a").retry(QUICK).build()) {
            assertEquals(List.of(1L, 2L, 3L), values(client.subscribe("x")));
            assertEquals(List.of("", "p1", "p2"), starts);
        }
    }

    @Test
    void eventsTellOfReconnectsAndTheEnd() throws Exception {
        fake.node("a", pushes((call, responses) -> {
            if (call == 1) {
                send(responses, e -> e.setCaughtUp(CaughtUp.newBuilder().setPosition(PositionToken.newBuilder().setValue("p1"))));
                finish(responses, EndReason.END_REASON_NODE_DRAINING, "b");
            }
        })).node("b", pushes((call, responses) -> finish(responses, EndReason.END_REASON_RELATION_DELETED, "")));
        try (PenstockClient client = fake.client("a").retry(QUICK).build()) {
            List<String> seen = new ArrayList<>();
            for (Event event : client.subscribe("x").events()) {
                seen.add(event.getClass().getSimpleName() + event.position());
            }
            assertEquals(List.of("SchemaChanged", "CaughtUpp1", "Reconnectingp1", "Endedp1"), seen);
        }
    }

    @Test
    void thePositionIsThatOfBatchesHandedOverWhole() throws Exception {
        fake.node("a", pushes((call, responses) -> rows(responses, "p1", 1, 2)));
        try (PenstockClient client = fake.client("a").build(); Subscription subscription = client.subscribe("x")) {
            var rows = subscription.iterator();
            assertEquals(1L, rows.next().get("n"));
            assertEquals("", subscription.position());
            assertTrue(rows.hasNext());
            assertEquals("", subscription.position());
            rows.next();
            assertEquals("p1", subscription.position());
        }
    }

    @Test
    void closingEndsTheWaitAndTheCall() throws Exception {
        CountDownLatch cancelled = new CountDownLatch(1);
        fake.node("a", pushes((call, responses) ->
                ((ServerCallStreamObserver<SubscribeResponse>) responses).setOnCancelHandler(cancelled::countDown)));
        try (PenstockClient client = fake.client("a").build()) {
            Subscription subscription = client.subscribe("x");
            CompletableFuture<List<Object>> reading = CompletableFuture.supplyAsync(() -> values(subscription));
            CompletableFuture.runAsync(subscription::close, CompletableFuture.delayedExecutor(50, TimeUnit.MILLISECONDS));
            assertEquals(List.of(), reading.get(5, TimeUnit.SECONDS));
            assertTrue(cancelled.await(5, TimeUnit.SECONDS));
        }
    }

    @Test
    void aReaderThatStopsHoldsTheServiceBack() throws Exception {
        AtomicInteger sent = new AtomicInteger();
        fake.node("a", pushes((call, responses) -> {
            var flow = (ServerCallStreamObserver<SubscribeResponse>) responses;
            flow.setOnReadyHandler(() -> {
                while (flow.isReady() && sent.get() < 10_000) {
                    rows(flow, "", sent.incrementAndGet());
                }
            });
        }));
        try (PenstockClient client = fake.client("a").build(); Subscription subscription = client.subscribe("x")) {
            var rows = subscription.iterator();
            rows.next();
            Thread.sleep(200); // for a service that would not stop
            assertTrue(sent.get() < 200, () -> sent + " were sent to a reader that had stopped");
            for (long n = 2; n <= 1000; n++) {
                assertEquals(n, rows.next().get("n"));
            }
        }
    }

    @Test
    void aPublisherGivesWhatIsAskedFor() throws Exception {
        fake.node("a", pushes((call, responses) -> {
            rows(responses, "p1", 1, 2, 3);
            finish(responses, EndReason.END_REASON_COMPLETED, "");
        }));
        List<Object> got = java.util.Collections.synchronizedList(new ArrayList<>());
        CountDownLatch two = new CountDownLatch(2);
        CountDownLatch complete = new CountDownLatch(1);
        Flow.Subscription[] asked = new Flow.Subscription[1];
        try (PenstockClient client = fake.client("a").build()) {
            client.subscribe("x").publisher().subscribe(new Flow.Subscriber<Row>() {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    asked[0] = subscription;
                    subscription.request(2);
                }

                @Override
                public void onNext(Row row) {
                    got.add(row.get("n"));
                    two.countDown();
                }

                @Override
                public void onError(Throwable error) {
                    got.add(error);
                }

                @Override
                public void onComplete() {
                    complete.countDown();
                }
            });
            assertTrue(two.await(5, TimeUnit.SECONDS));
            Thread.sleep(50); // for one that would not wait
            assertEquals(List.of(1L, 2L), got);
            asked[0].request(Long.MAX_VALUE);
            assertTrue(complete.await(5, TimeUnit.SECONDS));
            assertEquals(List.of(1L, 2L, 3L), got);
        }
    }

    @Test
    void anAppenderSendsAgainWhatWasNotAcknowledged() throws Exception {
        List<Long> written = java.util.Collections.synchronizedList(new ArrayList<>());
        List<String> included = java.util.Collections.synchronizedList(new ArrayList<>()); // in the positions of each connection
        AtomicInteger connections = new AtomicInteger();
        fake.node("a", new AppendServiceGrpc.ImplBase() {
            @Override
            public StreamObserver<AppendStreamRequest> appendStream(StreamObserver<AppendStreamResponse> responses) {
                int connection = connections.incrementAndGet();
                return new StreamObserver<>() {
                    @Override
                    public void onNext(AppendStreamRequest request) {
                        if (request.hasOpen()) {
                            included.add(request.getOpen().getPosition().getValue());
                            responses.onNext(AppendStreamResponse.newBuilder().setOpened(
                                    AppendOpened.newBuilder().setLastSequence(7).setMaxInFlight(2).setEpoch(1)).build());
                            return;
                        }
                        long sequence = request.getBatch().getSequence();
                        written.add(sequence);
                        if (connection == 1 && sequence == 9) {
                            responses.onError(Status.UNAVAILABLE.asException());
                            return;
                        }
                        responses.onNext(AppendStreamResponse.newBuilder().setAck(AppendAck.newBuilder().setSequence(sequence).setAppended(1)
                                .setPosition(PositionToken.newBuilder().setValue("p" + sequence))).build());
                    }

                    @Override
                    public void onError(Throwable error) {
                    }

                    @Override
                    public void onCompleted() {
                        responses.onCompleted();
                    }
                };
            }
        });
        try (PenstockClient client = fake.client("a").retry(QUICK).build(); Appender appender = client.appender("x", o -> o.json().producer("till"))) {
            assertEquals(7, appender.lastSequence());
            for (int n = 0; n < 5; n++) {
                appender.append(Map.of("n", n));
            }
            assertEquals("p12", appender.flush(Duration.ofSeconds(5)));
            assertEquals(5, appender.appended());
            assertEquals(12, appender.lastSequence());
        }
        assertEquals(List.of(8L, 9L, 10L, 11L, 12L), written.stream().distinct().toList());
        assertEquals(2, connections.get());
        assertEquals(List.of("", "p8"), included);
    }
}
