package dev.penstock.client;

import io.grpc.Status;

/** The client, subscription, scan or appender was closed. */
public final class ClosedException extends PenstockException {

    private static final long serialVersionUID = 1L;

    ClosedException() {
        super(Failure.plain(Status.Code.CANCELLED, "closed"));
    }
}
