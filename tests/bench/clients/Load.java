import com.google.gson.Gson;
import com.sun.management.OperatingSystemMXBean;
import dev.penstock.client.Batch;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import dev.penstock.client.Worker;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.LongStream;

/** The Java client as load.py has Python's. */
final class Load {

    private static final long WARM = 3_000_000_000L;

    private record Seen(List<Long> times, int missing) {
    }

    private Load() {
    }

    public static void main(String[] arguments) throws Exception {
        String address = arguments[1];
        String name = arguments[2];
        if (arguments[0].equals("process")) {
            process(address, name);
            return;
        }
        try (PenstockClient client = PenstockClient.connect(address)) {
            switch (arguments[0]) {
                case "lookup" -> say(lookup(
                        client, name, Integer.parseInt(arguments[3]), Integer.parseInt(arguments[4]), Integer.parseInt(arguments[5])));
                case "push" -> say(push(client, name));
                case "stop" -> stop(client, name);
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        }
    }

    /** Point lookups of random users, each caller waiting for its answer before it asks again. */
    private static Map<String, Object> lookup(PenstockClient client, String table, int users, int seconds, int inFlight) throws Exception {
        long start = System.nanoTime() + WARM;
        long end = start + seconds * 1_000_000_000L;
        Callable<Seen> caller = () -> {
            List<Long> times = new ArrayList<>();
            int missing = 0;
            for (long began = System.nanoTime(); began - end < 0; began = System.nanoTime()) {
                boolean absent = client.get(table, String.format("u%06d", ThreadLocalRandom.current().nextInt(users))) == null;
                if (began - start >= 0) {
                    times.add(System.nanoTime() - began);
                    missing += absent ? 1 : 0;
                }
            }
            return new Seen(times, missing);
        };
        ExecutorService threads = Executors.newFixedThreadPool(inFlight);
        List<Future<Seen>> callers = Collections.nCopies(inFlight, caller).stream().map(threads::submit).toList();
        Thread.sleep(WARM / 1_000_000);
        double before = cpu();
        List<Long> times = new ArrayList<>();
        int missing = 0;
        for (Future<Seen> seen : callers) {
            times.addAll(seen.get().times());
            missing += seen.get().missing();
        }
        double used = cpu() - before;
        threads.shutdown();
        Collections.sort(times);
        int calls = times.size();
        return Map.of(
                "calls", calls, "seconds", seconds, "cpu", used, "p50_ms", times.get(calls / 2) / 1e6, "p99_ms", times.get(calls * 99 / 100) / 1e6,
                "missing", missing);
    }

    /** Seconds of processor time that this process has used. */
    private static double cpu() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
    }

    private static Map<String, Object> push(PenstockClient client, String relation) {
        long began = System.nanoTime();
        long rows = 0;
        try (Subscription history = client.subscribe(relation, o -> o.from(Start.EARLIEST).untilEnd())) {
            for (Batch batch : history.batches()) {
                rows += batch.size();
            }
        }
        return Map.of("rows", rows, "seconds", (System.nanoTime() - began) / 1e9);
    }

    /** Takes one batch and reads no further, until the process is killed. */
    private static void stop(PenstockClient client, String relation) throws Exception {
        try (Subscription history = client.subscribe(relation, o -> o.from(Start.EARLIEST))) {
            say(Map.of("rows", history.batches().iterator().next().size()));
            System.in.readAllBytes();
        }
    }

    /** Rows with their number in the bundle. */
    private static void process(String address, String processor) {
        try (Worker worker = Worker.builder(address).maxInFlight(8).parallel(1).handler(processor, bundle -> {
            List<Long> places = LongStream.range(0, bundle.rows().size()).boxed().toList();
            bundle.sendColumns("out", Map.of("id", bundle.rows().column("id"), "n", places));
        }).build()) {
            worker.run();
        }
    }

    private static void say(Map<String, ?> found) {
        System.out.println(new Gson().toJson(found));
    }
}
