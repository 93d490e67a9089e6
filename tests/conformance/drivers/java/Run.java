package conformance;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import dev.penstock.client.ClientBuilder;
import dev.penstock.client.ClosedException;
import dev.penstock.client.Column;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.PenstockException;
import dev.penstock.client.Row;
import dev.penstock.client.UnreachableException;
import dev.penstock.client.Worker;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.UnaryOperator;

/** One run of a scenario: clients, names, the runner's ear, and values as facts have them. */
final class Run implements AutoCloseable {

    private static final Gson JSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final DateTimeFormatter INSTANT = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS");

    private final String address;
    private final String prefix;
    private final Map<String, String> settings;
    private final List<PenstockClient> clients = new ArrayList<>();
    private final BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    Run(String address, String prefix, Map<String, String> settings) {
        this.address = address;
        this.prefix = prefix;
        this.settings = settings;
    }

    /** The first client. */
    PenstockClient client() {
        return clients.isEmpty() ? connect(builder -> builder) : clients.get(0);
    }

    /** One more client, closed at the end. */
    PenstockClient connect(UnaryOperator<ClientBuilder> with) {
        clients.add(with.apply(PenstockClient.builder(address)).build());
        return clients.get(clients.size() - 1);
    }

    /** A name of this run's own. */
    String name(String base) {
        return prefix + base;
    }

    String setting(String name) {
        return settings.get(name);
    }

    /** A worker that serves. Closing it waits for its end, and throws what the service refused it for. */
    static final class Serving implements AutoCloseable {

        private final Worker worker;
        private final FutureTask<Void> run;

        private Serving(Worker worker) {
            this.worker = worker;
            run = new FutureTask<>(worker::run, null) {
                @Override
                protected void setException(Throwable refused) {
                    refused.printStackTrace(); // the scenario may wait for rows that do not come
                    super.setException(refused);
                }
            };
            Thread thread = new Thread(run, "worker");
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void close() {
            worker.close();
            try {
                run.get();
            } catch (InterruptedException stopped) {
                throw new IllegalStateException("interrupted while a worker ends", stopped);
            } catch (ExecutionException failed) {
                throw new IllegalStateException("the worker was refused", failed.getCause());
            }
        }
    }

    /** Starts a worker. */
    Serving serve(UnaryOperator<Worker.Builder> with) {
        return new Serving(with.apply(Worker.builder(address)).build());
    }

    /** Has the runner do something; its answer. */
    JsonObject ask(String what, Map<String, ?> arguments) {
        Map<String, Object> request = new LinkedHashMap<>(arguments);
        request.put("ask", what);
        say(request);
        try {
            return JSON.fromJson(input.readLine(), JsonObject.class);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    JsonObject ask(String what) {
        return ask(what, Map.of());
    }

    /** Another program appends rows. */
    void append(String relation, List<? extends Map<String, ?>> rows) {
        ask("append", Map.of("relation", relation, "rows", rows));
    }

    void say(Object message) {
        byte[] line = (JSON.toJson(message) + "\n").getBytes(StandardCharsets.UTF_8);
        System.out.write(line, 0, line.length);
        System.out.flush();
    }

    @Override
    public void close() {
        clients.forEach(PenstockClient::close);
    }

    /** Why a call failed; OK when it did not. */
    static String reason(Callable<?> call) throws Exception {
        try {
            call.call();
            return "OK";
        } catch (UnreachableException nobody) {
            return "UNREACHABLE";
        } catch (ClosedException closed) {
            return "CLOSED";
        } catch (PenstockException refused) {
            return refused.reason();
        } catch (IllegalArgumentException rejected) {
            return "REJECTED";
        }
    }

    /** Facts by name, which may be null. */
    static Map<String, Object> facts(Object... pairs) {
        Map<String, Object> out = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            out.put((String) pairs[i], pairs[i + 1]);
        }
        return out;
    }

    /** Everything that an iterable gives. */
    static <T> List<T> all(Iterable<T> items) {
        List<T> out = new ArrayList<>();
        items.forEach(out::add);
        return out;
    }

    /** A row as facts have it, META columns left out. */
    static Map<String, Object> cells(Row row) {
        Map<String, Object> out = new LinkedHashMap<>();
        for (Column column : row.schema().columns()) {
            if (column.role() != Column.Role.META) {
                out.put(column.name(), plain(row.get(column.name())));
            }
        }
        return out;
    }

    /** A value as facts have it. */
    static Object plain(Object value) {
        if (value instanceof Long) {
            return value.toString();
        } else if (value instanceof BigDecimal decimal) {
            return decimal.toPlainString();
        } else if (value instanceof Double number && !Double.isFinite(number)) {
            return number.toString();
        } else if (value instanceof byte[] bytes) {
            return Base64.getEncoder().encodeToString(bytes);
        } else if (value instanceof Instant instant) {
            return INSTANT.format(instant);
        } else if (value instanceof LocalTime time) {
            return TIME.format(time);
        } else if (value instanceof List<?> list) {
            List<Object> out = new ArrayList<>();
            list.forEach(one -> out.add(plain(one)));
            return out;
        } else if (value instanceof Map<?, ?> map) {
            Map<Object, Object> out = new LinkedHashMap<>();
            map.forEach((name, one) -> out.put(name, plain(one)));
            return out;
        }
        return value == null || value instanceof Number || value instanceof Boolean ? value : value.toString();
    }
}
