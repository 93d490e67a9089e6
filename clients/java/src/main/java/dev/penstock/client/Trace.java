package dev.penstock.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.context.Context;
import java.util.Optional;

/** Sends the trace context of OpenTelemetry, by the propagators that the application has set. */
final class Trace implements ClientInterceptor {

    private Trace() {
    }

    /** Nothing where the application has no OpenTelemetry on its class path. */
    static Optional<ClientInterceptor> interceptor() {
        try {
            Class.forName("io.opentelemetry.api.GlobalOpenTelemetry");
            return Optional.of(new Trace());
        } catch (ClassNotFoundException none) {
            return Optional.empty();
        }
    }

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        if (!GlobalOpenTelemetry.isSet()) { // asking for it would set it for good
            return next.newCall(method, options);
        }
        Context now = Context.current();
        return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void start(Listener<R> listener, Metadata headers) {
                GlobalOpenTelemetry.getPropagators().getTextMapPropagator().inject(
                        now, headers, (into, name, value) -> into.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
                super.start(listener, headers);
            }
        };
    }
}
