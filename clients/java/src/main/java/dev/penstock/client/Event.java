package dev.penstock.client;

import java.time.Duration;

/** What a subscription tells. {@link Batch} is the rows; position() of the others is a resume point too. */
public sealed interface Event
        permits Batch, Event.SchemaChanged, Event.Progress, Event.CaughtUp, Event.FellBehind, Event.Reconnecting, Event.Ended {

    /** The columns of the rows that follow; it comes first. */
    record SchemaChanged(RowSchema schema) implements Event {
        @Override
        public String position() {
            return "";
        }
    }

    /** Nothing was missed up to its position, and nothing came. */
    record Progress(String position) implements Event {
    }

    /** Snapshot or history is complete; what follows is live. */
    record CaughtUp(String position) implements Event {
    }

    /** This reader was too slow for live rows; what follows is history again, nothing left out. rowsBehind: about how many rows wait. */
    record FellBehind(String position, long rowsBehind) implements Event {
    }

    /**
     * The connection is gone; the next attempt comes after the delay and goes on after the position. An empty position means from the start: a
     * snapshot then comes again, and rows that were deleted meanwhile do not arrive as deletes. cause: null for a planned end; address: a node
     * that can go on, when a draining one has named it, else empty.
     */
    record Reconnecting(String position, Duration delay, PenstockException cause, String address) implements Event {
    }

    /** The last event. reason: COMPLETED or RELATION_DELETED. */
    record Ended(String reason, String position, String message) implements Event {
    }

    /** A token that goes on after this event; empty when it is no resume point. */
    String position();
}
