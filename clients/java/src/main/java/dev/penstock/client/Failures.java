package dev.penstock.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.penstock.client.PenstockException.ExpressionPlace;
import dev.penstock.client.PenstockException.Failure;
import dev.penstock.client.PenstockException.RowError;
import dev.penstock.client.errors.ByReason;
import dev.penstock.v1.ExpressionError;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** What gRPC and google.rpc say, as exceptions of this client. */
final class Failures {

    private static final String DOMAIN = "penstock.v1";
    private static final String PREFIX = "ERROR_REASON_";

    private Failures() {
    }

    /** The exception of a call that ended with a status. */
    static PenstockException of(Status status, Metadata trailers) {
        com.google.rpc.Status details = StatusProto.fromStatusAndTrailers(status, trailers);
        Failure failure = read(details);
        if (!failure.reason().isEmpty()) {
            return ByReason.of(failure);
        }
        PenstockException out = switch (status.getCode()) {
            case UNAVAILABLE -> new UnreachableException(failure.message());
            case DEADLINE_EXCEEDED -> ByReason.of(failure.reason("DEADLINE_EXCEEDED"));
            // The transport refuses such a message before the service sees it.
            case RESOURCE_EXHAUSTED -> ByReason.of(tooLarge(failure.message()) ? failure.reason("REQUEST_TOO_LARGE") : failure);
            default -> new PenstockException(failure);
        };
        if (status.getCause() != null) {
            out.initCause(status.getCause());
        }
        return out;
    }

    private static boolean tooLarge(String message) {
        return message.contains("larger than max") || message.contains("exceeds maximum");
    }

    /** The exception of a status that came within an answer. */
    static PenstockException of(com.google.rpc.Status status) {
        return ByReason.of(read(status));
    }

    /** The refused rows of an acknowledgement. */
    static List<RowError> rows(List<dev.penstock.v1.RowError> messages) {
        return messages.stream().map(message -> {
            Failure failure = read(message.getError());
            return new RowError(message.getRow(), failure.reason(), failure.message(), failure.metadata());
        }).toList();
    }

    private static Failure read(com.google.rpc.Status status) {
        String reason = "";
        Map<String, String> metadata = Map.of();
        Duration retryAfter = Duration.ZERO;
        ExpressionPlace expression = null;
        try {
            for (Any detail : status.getDetailsList()) {
                if (detail.is(ErrorInfo.class)) {
                    ErrorInfo info = detail.unpack(ErrorInfo.class);
                    if (info.getDomain().equals(DOMAIN)) {
                        reason = info.getReason().startsWith(PREFIX) ? info.getReason().substring(PREFIX.length()) : info.getReason();
                    }
                    metadata = info.getMetadataMap();
                } else if (detail.is(RetryInfo.class)) {
                    retryAfter = Times.duration(detail.unpack(RetryInfo.class).getRetryDelay());
                } else if (detail.is(ExpressionError.class)) {
                    ExpressionError place = detail.unpack(ExpressionError.class);
                    expression = new ExpressionPlace(place.getField(), place.getNode(), place.getStart(), place.getEnd(), place.getMessage());
                }
            }
        } catch (InvalidProtocolBufferException broken) {
            throw new IllegalStateException("the service sent an error that cannot be read: " + status.getMessage(), broken);
        }
        return new Failure(reason, status.getMessage(), Status.fromCodeValue(status.getCode()).getCode(), metadata, retryAfter, expression, List.of());
    }
}
