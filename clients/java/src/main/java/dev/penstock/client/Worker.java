package dev.penstock.client;

import dev.penstock.v1.BundleFailure;
import dev.penstock.v1.BundleResult;
import dev.penstock.v1.ProcessRequest;
import dev.penstock.v1.ProcessResponse;
import dev.penstock.v1.ProcessorServiceGrpc;
import dev.penstock.v1.ServedFunction;
import dev.penstock.v1.WorkerHello;
import io.grpc.CallOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/**
 * Serves remote processors and functions: topologies send the rows of their processRemotely() nodes and the arguments of calls to it, and commit what
 * it makes of them exactly once. A connection that is lost is made again.
 */
public final class Worker implements AutoCloseable {

    /** A node of this program's, and what answers its bundles. */
    private record Served(ProcessorNode node, Computation computation) {
    }

    @FunctionalInterface
    private interface Computation {
        BundleResult answer(dev.penstock.v1.Bundle bundle) throws Exception;
    }

    private final List<Nodes> services = new ArrayList<>();
    private final Map<String, Handler> handlers;
    private final Map<ServedFunction, BatchFunction> functions;
    private final WorkerHello hello;
    private final Retry retry;
    private final BiConsumer<ProcessorNode, String> onFailed;
    private final ExecutorService threads;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final List<StreamCall<?, ?>> calls = new ArrayList<>(); // guarded by itself
    private PenstockException refused; // guarded by this

    private Worker(Builder builder) {
        handlers = Map.copyOf(builder.handlers);
        functions = Map.copyOf(builder.functions);
        hello = WorkerHello.newBuilder()
                .addAllProcessors(builder.handlers.keySet()).addAllFunctions(builder.functions.keySet()).setMaxInFlight(builder.maxInFlight)
                .setBuild(builder.build).setTimers(true).build();
        retry = builder.retry;
        onFailed = builder.onFailed;
        threads = Executors.newFixedThreadPool(builder.parallel, task -> {
            Thread thread = new Thread(task, "penstock-handler");
            thread.setDaemon(true);
            return thread;
        });
        // One connection to each address: every node gives out the work of its own tasks.
        for (String address : builder.addresses.split(",")) {
            services.add(builder.options.apply(PenstockClient.builder(address)).nodes());
        }
    }

    /** Begins a worker. addresses: `host:port` of one node, or by comma of each that is to give it work. */
    public static Builder builder(String addresses) {
        return new Builder(addresses);
    }

    /** Serves until it is closed, by another thread. PenstockException when the service refuses. */
    public void run() {
        List<Thread> serving = new ArrayList<>();
        for (Nodes nodes : services) {
            Thread thread = new Thread(() -> serve(nodes), "penstock-worker");
            thread.setDaemon(true);
            thread.start();
            serving.add(thread);
        }
        try {
            for (Thread thread : serving) {
                thread.join();
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        close();
        synchronized (this) {
            if (refused != null) {
                throw refused;
            }
        }
    }

    /** Ends it at once; bundles that are not answered go to other workers. */
    @Override
    public void close() {
        closing.countDown();
        synchronized (calls) {
            calls.forEach(StreamCall::close);
        }
        threads.shutdownNow();
        services.forEach(Nodes::shutdownNow);
    }

    private void serve(Nodes nodes) {
        int attempt = 1;
        Duration wait = Duration.ZERO;
        while (!Connection.pause(wait, closing)) {
            StreamCall<ProcessRequest, ProcessResponse> call = StreamCall.open(
                    nodes, ProcessorServiceGrpc.PROCESS, CallOptions.DEFAULT.withWaitForReady());
            synchronized (calls) {
                calls.add(call);
                if (closing.getCount() == 0) {
                    call.close();
                }
            }
            boolean[] greeted = {false};
            try {
                answer(call, greeted);
            } catch (PenstockException error) {
                attempt = greeted[0] ? 1 : attempt + 1;
                wait = retry.waitAfter(attempt, error);
                if (!Retry.helps(error, greeted[0]) && closing.getCount() > 0) {
                    synchronized (this) {
                        refused = error;
                    }
                    close();
                }
            } finally {
                call.close();
                synchronized (calls) {
                    calls.remove(call);
                }
            }
        }
    }

    /** Answers one call's bundles until it breaks. */
    private void answer(StreamCall<ProcessRequest, ProcessResponse> call, boolean[] greeted) {
        call.send(ProcessRequest.newBuilder().setHello(hello).build());
        Map<Long, Served> nodes = new HashMap<>();
        while (true) {
            ProcessResponse response = call.endless();
            greeted[0] = true;
            if (response.hasNode()) {
                nodes.put(response.getNode().getId(), served(response.getNode()));
            } else if (response.hasDropped()) {
                onFailed.accept(null, "an answer was not taken: " + response.getDropped().getMessage());
            } else if (response.hasBundle()) {
                Served node = nodes.get(response.getBundle().getNode());
                try {
                    threads.execute(() -> call.send(answer(node, response.getBundle())));
                } catch (RejectedExecutionException closed) {
                    return;
                }
            }
        }
    }

    private Served served(dev.penstock.v1.ProcessorNode message) {
        ProcessorNode node = ProcessorNode.of(message);
        if (message.hasFunction()) {
            BatchFunction function = functions.get(message.getFunction());
            return new Served(node, bundle -> Calls.answer(function, node, bundle));
        }
        Handler handler = handlers.get(node.processor());
        return new Served(node, given -> {
            Bundle bundle = Bundle.of(node, given);
            handler.process(bundle);
            return bundle.result(given.getLease(), given.getBundle());
        });
    }

    /** The answer to a bundle. Whatever is thrown fails the bundle: a program that ended there would meet the same rows again and again. */
    private ProcessRequest answer(Served node, dev.penstock.v1.Bundle message) {
        try {
            return ProcessRequest.newBuilder().setResult(node.computation().answer(message)).build();
        } catch (Exception | StackOverflowError failed) {
            String reason = Blame.reason(failed);
            BundleFailure.Builder failure = BundleFailure.newBuilder()
                    .setLease(message.getLease()).setBundle(message.getBundle()).setMessage(reason);
            if (failed instanceof BadRowsException bad) {
                failure.addAllPoisonRows(bad.rows()).addAllPoisonTimers(bad.timers());
            }
            onFailed.accept(node.node(), reason);
            return ProcessRequest.newBuilder().setFailure(failure).build();
        }
    }

    /** Settings of a worker. */
    public static final class Builder {

        private final String addresses;
        private final Map<String, Handler> handlers = new TreeMap<>();
        private final Map<ServedFunction, BatchFunction> functions = new LinkedHashMap<>();
        private int maxInFlight;
        private int parallel = Runtime.getRuntime().availableProcessors();
        private String build = "";
        private Retry retry = Retry.DEFAULT;
        private UnaryOperator<ClientBuilder> options = builder -> builder;
        private BiConsumer<ProcessorNode, String> onFailed = (node, reason) -> { };

        private Builder(String addresses) {
            this.addresses = addresses;
        }

        /** The handler of a processor, by the name that topologies give it. */
        public Builder handler(String processor, Handler handler) {
            handlers.put(processor, handler);
            return this;
        }

        /** As handler(), with one that is called for each row. */
        public Builder rowHandler(String processor, RowHandler handler) {
            return handler(processor, handler);
        }

        /** What computes version 1 of a function, by the name that it was declared with. */
        public Builder function(String name, BatchFunction function) {
            return function(name, 1, function);
        }

        /** What computes a version of a function. */
        public Builder function(String name, int version, BatchFunction function) {
            functions.put(ServedFunction.newBuilder().setName(name.toUpperCase(Locale.ROOT)).setVersion(version).build(), function);
            return this;
        }

        /** As function(), with one that is called for each row. */
        public Builder rowFunction(String name, RowFunction function) {
            return function(name, function);
        }

        /** How many bundles a connection may have at once; 4 otherwise. */
        public Builder maxInFlight(int bundles) {
            maxInFlight = bundles;
            return this;
        }

        /** How many handlers run at once, over all connections; otherwise as many as there are processors. */
        public Builder parallel(int handlers) {
            parallel = handlers;
            return this;
        }

        /** The program's version, for people. */
        public Builder build(String version) {
            build = version;
            return this;
        }

        /** Settings of each connection, such as TLS and a token. */
        public Builder connection(UnaryOperator<ClientBuilder> settings) {
            options = settings;
            return this;
        }

        /** Is told of bundles and rows that a handler or a function failed on, and of answers that were not taken (without a node). The service keeps what failed. */
        public Builder onFailed(BiConsumer<ProcessorNode, String> listener) {
            onFailed = listener;
            return this;
        }

        /** The worker. IllegalArgumentException without a handler or a function. */
        public Worker build() {
            if (handlers.isEmpty() && functions.isEmpty()) {
                throw new IllegalArgumentException("a worker needs a handler or a function");
            }
            return new Worker(this);
        }
    }
}
