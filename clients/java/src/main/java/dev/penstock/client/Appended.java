package dev.penstock.client;

import dev.penstock.client.PenstockException.Failure;
import dev.penstock.client.PenstockException.RowError;
import dev.penstock.client.errors.ByReason;
import dev.penstock.v1.AppendAck;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;

/**
 * What became of a batch. position: includes every row of it; rows: how many were written now; duplicate: an earlier call had written the batch;
 * rowErrors: the rows that skipInvalid() left out.
 */
public record Appended(String position, int rows, boolean duplicate, List<RowError> rowErrors) {

    /** The result of a batch. Refused rows are an exception of the first one's reason, InvalidRowException or a closer one. */
    static Appended of(AppendAck ack, boolean skipInvalid) {
        List<RowError> refused = Failures.rows(ack.getRowErrorsList());
        if (!refused.isEmpty() && !skipInvalid) {
            RowError first = refused.get(0);
            String message = first.message().startsWith("row ") ? first.message() : "row " + first.row() + ": " + first.message();
            if (refused.size() > 1) {
                message += " (and " + (refused.size() - 1) + " more rows)";
            }
            String reason = first.reason().isEmpty() ? "INVALID_ROW" : first.reason();
            throw ByReason.of(new Failure(reason, message, Status.Code.INVALID_ARGUMENT, first.metadata(), Duration.ZERO, null, refused));
        }
        return new Appended(ack.getPosition().getValue(), ack.getAppended(), ack.getDuplicate(), refused);
    }
}
