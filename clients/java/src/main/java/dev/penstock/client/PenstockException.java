package dev.penstock.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Anything that the service refuses or that fails on the way to it. Each reason has a class of its own in {@code dev.penstock.client.errors};
 * where no service answers it is an {@link UnreachableException}, after a close a {@link ClosedException}.
 */
public class PenstockException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient Failure failure;

    /** From what the service said. */
    public PenstockException(Failure failure) {
        super(failure.reason().isEmpty() ? failure.code() + ": " + failure.message() : failure.reason() + ": " + failure.message());
        this.failure = failure;
    }

    /** The reason without the prefix of ErrorReason, such as UNKNOWN_RELATION; empty when the service gave none. */
    public String reason() {
        return failure.reason();
    }

    /** What the service said, for people, without the reason. */
    public String text() {
        return failure.message();
    }

    /** The status code of gRPC. */
    public Status.Code code() {
        return failure.code();
    }

    /** What the documentation of the reason names. */
    public Map<String, String> metadata() {
        return failure.metadata();
    }

    /** When a repeat makes sense; zero when the service named no time. */
    public Duration retryAfter() {
        return failure.retryAfter();
    }

    /** The place of a mistake in an expression; null when it is about none. */
    public ExpressionPlace expression() {
        return failure.expression();
    }

    /** The refused rows of an append. */
    public List<RowError> rowErrors() {
        return failure.rowErrors();
    }

    /** What an exception holds; absent parts are empty, zero or, for the expression, null. */
    public record Failure(
            String reason, String message, Status.Code code, Map<String, String> metadata, Duration retryAfter, ExpressionPlace expression,
            List<RowError> rowErrors) {

        /** A failure of the transport, or one that has nothing but a message. */
        static Failure plain(Status.Code code, String message) {
            return new Failure("", message, code, Map.of(), Duration.ZERO, null, List.of());
        }

        Failure reason(String because) {
            return new Failure(because, message, code, metadata, retryAfter, expression, rowErrors);
        }
    }

    /** Where an expression is wrong. field: its path in the request; node: the node's name; start and end count code points. */
    public record ExpressionPlace(String field, String node, int start, int end, String message) {
    }

    /** Why one row of a batch was refused. row counts from 0. */
    public record RowError(int row, String reason, String message, Map<String, String> metadata) {
    }
}
