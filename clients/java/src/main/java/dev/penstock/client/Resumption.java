package dev.penstock.client;

import dev.penstock.client.PenstockException.Failure;
import dev.penstock.client.errors.ByReason;
import dev.penstock.v1.End;
import dev.penstock.v1.PositionToken;
import dev.penstock.v1.Rows;
import io.grpc.Status;
import java.util.HashMap;
import java.util.Map;

/**
 * Where a subscription is, without I/O: what an answer means, and what follows a broken call.
 *
 * <p>Delivery is at least once: the resume point is the position of the last batch that had one, so that rows of batches behind it may come again
 * after a broken connection. Position and effect stored together by the application make it exactly once.
 */
final class Resumption {

    private final Retry retry;
    private final boolean resumes;
    private final Map<Long, RowSchema> schemas = new HashMap<>();
    private String position = "";
    private long taken;
    private long sincePosition; // rows behind the resume point
    private int attempt;
    private boolean greeted; // any answer has come: from now on only the application ends it
    private boolean done;
    private RowSchema schema;

    /** resumes: whether it goes on over broken connections. */
    Resumption(Retry retry, boolean resumes) {
        this.retry = retry;
        this.resumes = resumes;
    }

    String position() {
        return position;
    }

    boolean done() {
        return done;
    }

    /** Called before each call: rows behind the resume point come again, so they do not count against the limit. */
    void restart() {
        taken -= sincePosition;
        sincePosition = 0;
    }

    /** What remains of a limit; 0 is none. */
    long left(long limit) {
        return limit == 0 ? 0 : Math.max(1, limit - taken);
    }

    /** The meaning of one message, null when it says nothing to the application. An exception ends the subscription. */
    Event take(dev.penstock.v1.Event message) {
        attempt = 0;
        greeted = true;
        return switch (message.getEventCase()) {
            case SCHEMA -> schema(message.getSchema());
            case ROWS -> rows(message.getRows());
            case PROGRESS -> new Event.Progress(at(message.getProgress().getPosition()));
            case CAUGHT_UP -> new Event.CaughtUp(at(message.getCaughtUp().getPosition()));
            case FELL_BEHIND -> new Event.FellBehind(at(message.getFellBehind().getPosition()), message.getFellBehind().getRowsBehind());
            case END -> end(message.getEnd());
            case EVENT_NOT_SET -> null; // an event of a newer service
        };
    }

    private String at(PositionToken token) {
        if (!token.getValue().isEmpty()) {
            position = token.getValue();
            sincePosition = 0;
        }
        return token.getValue();
    }

    private Event schema(dev.penstock.v1.RowSchema message) {
        RowSchema found = schemas.computeIfAbsent(message.getId(), id -> RowSchema.of(message));
        if (found == schema) {
            return null; // the same again, after a reconnect
        }
        schema = found;
        return new Event.SchemaChanged(found);
    }

    private Event rows(Rows rows) {
        Decoder.check(schema != null, "rows came before their schema");
        Batch batch = Batch.of(schema, rows.getBatch(), rows.getPosition().getValue(), rows.getSnapshot());
        taken += batch.size();
        sincePosition += batch.size();
        at(rows.getPosition());
        return batch;
    }

    private Event end(End end) {
        at(end.getPosition());
        switch (end.getReason()) {
            case END_REASON_RELATION_REPLACED -> throw ByReason.of(
                    Failure.plain(Status.Code.FAILED_PRECONDITION, end.getMessage()).reason("RELATION_REPLACED"));
            case END_REASON_CREDENTIALS_EXPIRED -> {
                return failed(ByReason.of(Failure.plain(Status.Code.UNAUTHENTICATED, end.getMessage()).reason("CREDENTIALS_INVALID")));
            }
            case END_REASON_NODE_DRAINING -> {
                attempt = 1;
                return new Event.Reconnecting(position, retry.waitAfter(1, null), null, end.getAddress());
            }
            default -> {
                done = true;
                return new Event.Ended(Names.bare(end.getReason(), "END_REASON_"), position, end.getMessage());
            }
        }
    }

    /** What follows a broken call; the exception again when a repeat does not help. Once greeted it is repeated for ever. */
    Event.Reconnecting failed(PenstockException error) {
        boolean accepted = greeted && attempt == 0;
        attempt++;
        if (!Retry.helps(error, accepted) || greeted && !resumes || !greeted && attempt >= retry.attempts()) {
            throw error;
        }
        return new Event.Reconnecting(position, retry.waitAfter(attempt, error), error, "");
    }
}
