package dev.penstock.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.penstock.v1.BundleFailure;
import dev.penstock.v1.BundleResult;
import dev.penstock.v1.ColumnData;
import dev.penstock.v1.ColumnRole;
import dev.penstock.v1.LongArray;
import dev.penstock.v1.ProcessRequest;
import dev.penstock.v1.ProcessResponse;
import dev.penstock.v1.ProcessorServiceGrpc;
import dev.penstock.v1.RowBatch;
import dev.penstock.v1.RowKind;
import dev.penstock.v1.Schema;
import dev.penstock.v1.ServedFunction;
import dev.penstock.v1.TimerClock;
import dev.penstock.v1.Timers;
import dev.penstock.v1.TypeKind;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkerTest {

    private final Fake fake = new Fake();
    private final BlockingQueue<ProcessRequest> said = new LinkedBlockingQueue<>();

    @AfterEach
    void end() {
        fake.close();
    }

    /** A service that gives these out to whoever dials. */
    private Worker.Builder worker(ProcessResponse... work) throws Exception {
        fake.node("a", new ProcessorServiceGrpc.ImplBase() {
            @Override
            public StreamObserver<ProcessRequest> process(StreamObserver<ProcessResponse> responses) {
                return new StreamObserver<>() {
                    @Override
                    public void onNext(ProcessRequest request) {
                        said.add(request);
                        if (request.hasHello()) {
                            List.of(work).forEach(responses::onNext);
                        }
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
        return Worker.builder("a").connection(any -> fake.client("a"));
    }

    private ProcessRequest heard() throws InterruptedException {
        ProcessRequest request = said.poll(10, TimeUnit.SECONDS);
        if (request == null) {
            throw new AssertionError("the worker said nothing");
        }
        return request;
    }

    private static dev.penstock.v1.RowSchema bigints(ColumnRole role, String... names) {
        Schema.Builder columns = Schema.newBuilder();
        for (String name : names) {
            columns.addColumnsBuilder().setName(name).setRole(role).getTypeBuilder().setKind(TypeKind.TYPE_KIND_BIGINT);
        }
        return dev.penstock.v1.RowSchema.newBuilder().setId(5).setSchema(columns).build();
    }

    private static RowBatch column(Long... values) {
        return RowBatch.newBuilder().setRowCount(values.length).addColumns(
                ColumnData.newBuilder().setLongs(LongArray.newBuilder().addAllValues(List.of(values)))).build();
    }

    private static final RowFunction TWICE = arguments -> {
        if (arguments.get(0).equals(13L)) {
            throw new IllegalArgumentException("13 is unlucky");
        }
        return 2 * (long) arguments.get(0);
    };

    @Test
    void aFunctionAnswersARowForEachCall() throws Exception {
        ServedFunction twice = ServedFunction.newBuilder().setName("TWICE").setVersion(1).build();
        ProcessResponse.Builder node = ProcessResponse.newBuilder();
        node.getNodeBuilder().setId(1).setNode("sel").setFunction(twice).setInput(bigints(ColumnRole.COLUMN_ROLE_VALUE, "N"))
                .addOutputsBuilder().setName("result").setSchema(bigints(ColumnRole.COLUMN_ROLE_VALUE, "RESULT"));
        ProcessResponse.Builder calls = ProcessResponse.newBuilder();
        calls.getBundleBuilder().setNode(1).setLease(3).setBundle(4).setRows(column(5L, 0L, 7L));
        ProcessResponse.Builder unlucky = ProcessResponse.newBuilder();
        unlucky.getBundleBuilder().setNode(1).setLease(3).setBundle(5).setRows(column(1L, 13L));
        try (Worker worker = worker(node.build(), calls.build(), unlucky.build()).parallel(1).rowFunction("twice", TWICE).build()) {
            new Thread(worker::run).start();
            assertEquals(List.of(twice), heard().getHello().getFunctionsList());
            BundleResult result = heard().getResult();
            assertEquals(3, result.getLease());
            assertEquals(4, result.getBundle());
            assertEquals(1, result.getOutputsCount());
            assertEquals("result", result.getOutputs(0).getOutput());
            assertEquals(0, result.getOutputs(0).getCausesCount());
            assertEquals(5, result.getOutputs(0).getRows().getSchemaId());
            assertEquals(List.of(10L, 0L, 14L), result.getOutputs(0).getRows().getColumns(0).getLongs().getValuesList());
            BundleFailure failure = heard().getFailure();
            assertEquals(List.of(1), failure.getPoisonRowsList());
            assertEquals("13 is unlucky", failure.getMessage());
        }
    }

    /** Sends what was seen of a key when it was quiet for ten seconds; an n of 0 makes it forget. */
    private static final class Quiet implements TimedHandler {

        @Override
        public void onRow(Row row, Bundle.Place at) {
            if (row.get("n").equals(0L)) {
                at.cancelTimer("over");
            } else {
                at.put("seen", Map.of("n", row.get("n")));
                at.setTimer("over", Instant.ofEpochMilli(row.get("ROWTIME", Long.class) + 10_000));
            }
        }

        @Override
        public void onTimer(Timer timer, Bundle.Place at) {
            if (at.state("seen") == null) {
                throw new IllegalStateException("nothing was seen of " + at.key().values().get(0));
            }
            at.send("ended", Map.of("n", at.state("seen").get("n")));
            at.put("seen", null);
        }
    }

    private static Timer over(String key, long at) {
        return new Timer(Key.of(key), Instant.ofEpochMilli(at), "over", Timer.Clock.STREAM_TIME);
    }

    @Test
    void timersAreFiredBeforeRowsAndSetAnew() throws Exception {
        Trial trial = new Trial("k STRING KEY, n BIGINT").output("ended", "k STRING KEY, n BIGINT")
                .store("seen", "n BIGINT", List.of(Map.of("k", "a", "n", 3L))).timer(over("a", 500));
        Bundle bundle = trial.run(new Quiet(), List.of(Map.of("k", "b", "n", 4L, "ROWTIME", 1000L), Map.of("k", "b", "n", 0L, "ROWTIME", 1001L)));
        assertEquals(List.of(Map.of("k", "a", "n", 3L)), bundle.sent("ended"));
        assertNull(bundle.state("seen", Key.of("a")));
        assertEquals(List.of(over("b", 11_000)), bundle.setTimers());
        assertEquals(List.of(over("b", 0)), bundle.cancelledTimers());

        var bad = assertThrows(BadRowsException.class, () -> trial.timer(over("z", 600)).run(new Quiet(), List.of()));
        assertEquals(List.of(1), bad.timers());
        assertEquals("nothing was seen of z", bad.getMessage());
        RowHandler untimed = (row, at) -> { };
        assertThrows(IllegalStateException.class, () -> trial.runRows(untimed, List.of()));
    }

    @Test
    void timersOfAnAnswerAreThoseOfItsKeys() throws Exception {
        ProcessResponse.Builder node = ProcessResponse.newBuilder();
        node.getNodeBuilder().setId(1).setProcessor("again").setInput(bigints(ColumnRole.COLUMN_ROLE_KEY, "K"))
                .setTimerKeys(bigints(ColumnRole.COLUMN_ROLE_KEY, "K"))
                .addOutputsBuilder().setName("out").setSchema(bigints(ColumnRole.COLUMN_ROLE_KEY, "K"));
        node.getNodeBuilder().addOutputsBuilder().setName("whole").setSchema(bigints(ColumnRole.COLUMN_ROLE_KEY, "K"));
        ProcessResponse.Builder due = ProcessResponse.newBuilder();
        due.getBundleBuilder().setNode(1).setRows(column(8L)).setTimers(Timers.newBuilder().setKeys(column(7L, 9L)).addNames("x").addNames("")
                .addTimes(100).addTimes(200).addClocks(TimerClock.TIMER_CLOCK_STREAM_TIME).addClocks(TimerClock.TIMER_CLOCK_WALL_CLOCK));
        Handler again = bundle -> {
            bundle.send("out", Map.of(), -1);
            bundle.send("out", Map.of(), 0);
            bundle.sendColumns("whole", Map.of(), List.of(-1, 0));
            bundle.setTimer(new Timer(bundle.timers().get(1).key(), Instant.ofEpochMilli(300), "", Timer.Clock.WALL_CLOCK));
            bundle.cancelTimer(bundle.timers().get(0));
        };
        try (Worker worker = worker(node.build(), due.build()).handler("again", again).build()) {
            new Thread(worker::run).start();
            assertTrue(heard().getHello().getTimers());
            BundleResult result = heard().getResult();
            assertEquals(List.of(1, 2), result.getOutputs(0).getCausesList());
            assertEquals(column(9L, 8L).getColumns(0), result.getOutputs(0).getRows().getColumns(0));
            assertEquals(result.getOutputs(0).getRows(), result.getOutputs(1).getRows());
            assertEquals(List.of(1, 2), result.getOutputs(1).getCausesList());
            Timers timers = result.getTimers();
            assertEquals(column(9L, 7L).getColumns(0), timers.getKeys().getColumns(0));
            assertEquals(List.of(RowKind.ROW_KIND_UPSERT, RowKind.ROW_KIND_DELETE), timers.getKeys().getKindsList());
            assertEquals(List.of("", "x"), timers.getNamesList());
            assertEquals(List.of(300L, 100L), timers.getTimesList());
            assertEquals(List.of(TimerClock.TIMER_CLOCK_WALL_CLOCK, TimerClock.TIMER_CLOCK_STREAM_TIME), timers.getClocksList());
        }
    }

    @Test
    void rowsAreSentByColumn() throws Exception {
        Trial trial = new Trial("k STRING KEY, n BIGINT").output("sums", "k STRING KEY, total BIGINT");
        List<Map<String, Object>> rows = List.of(Map.of("k", "a", "n", 1L), Map.of("k", "b", "n", 2L));
        Bundle twice = trial.run(bundle -> bundle.sendColumns(
                "sums", Map.of("total", bundle.rows().column("n").stream().map(n -> 2 * (long) n).toList())), rows);
        assertEquals(List.of(Map.of("k", "a", "total", 2L), Map.of("k", "b", "total", 4L)), twice.sent("sums"));
        Bundle mixed = trial.run(bundle -> {
            bundle.send("sums", Map.of("total", 5), 1);
            bundle.sendColumns("sums", Map.of("total", List.of(7, 6), "k", List.of("x", "y")), List.of(1, 0));
        }, rows);
        assertEquals(List.of(Map.of("k", "y", "total", 6), Map.of("k", "b", "total", 5), Map.of("k", "x", "total", 7)), mixed.sent("sums"));
        for (Map<String, List<Integer>> wrong : List.of(Map.of("x", List.of(1, 2)), Map.of("total", List.of(1)))) {
            assertThrows(IllegalArgumentException.class, () -> trial.run(bundle -> bundle.sendColumns("sums", wrong), rows));
        }
    }

    @Test
    void aFunctionIsTriedWithoutAService() throws Exception {
        assertEquals(List.of(2L, 8L), Trial.call(TWICE, List.of(List.of(1L), List.of(4L))));
        assertEquals("the function gave 1 results for 2 rows", assertThrows(IllegalArgumentException.class,
                () -> Trial.call(columns -> List.of(1), List.of(List.of(1L), List.of(4L)))).getMessage());
    }
}
