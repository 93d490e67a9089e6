package dev.penstock.client;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Nodes in memory: each is a server of some services, under its address. */
final class Fake implements AutoCloseable {

    private final List<Server> servers = new ArrayList<>();
    private final String prefix = "fake" + System.nanoTime();

    /** A node at an address. */
    Fake node(String address, BindableService... services) throws IOException {
        InProcessServerBuilder builder = InProcessServerBuilder.forName(prefix + address);
        for (BindableService service : services) {
            builder.addService(service);
        }
        servers.add(builder.build().start());
        return this;
    }

    ClientBuilder client(String addresses) {
        return PenstockClient.builder(addresses).channels(address -> traced(InProcessChannelBuilder.forName(prefix + address)).build());
    }

    @Override
    public void close() {
        servers.forEach(Server::shutdownNow);
    }

    private static InProcessChannelBuilder traced(InProcessChannelBuilder builder) {
        Trace.interceptor().ifPresent(builder::intercept);
        return builder;
    }

    /** What a service answers with when it refuses. */
    static StatusRuntimeException refusal(int code, String reason, String message, Message... more) {
        var status = com.google.rpc.Status.newBuilder().setCode(code).setMessage(message).addDetails(Any.pack(
                ErrorInfo.newBuilder().setReason("ERROR_REASON_" + reason).setDomain("penstock.v1").putMetadata("relation", "X").build()));
        for (Message detail : more) {
            status.addDetails(Any.pack(detail));
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }
}
