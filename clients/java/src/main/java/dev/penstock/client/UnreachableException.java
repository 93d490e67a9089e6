package dev.penstock.client;

import io.grpc.Status;

/** No service answered: it is not there, or the connection broke. */
public final class UnreachableException extends PenstockException {

    private static final long serialVersionUID = 1L;

    UnreachableException(String message) {
        super(Failure.plain(Status.Code.UNAVAILABLE, message));
    }
}
