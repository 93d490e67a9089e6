package dev.penstock.client;

import dev.penstock.v1.PositionToken;
import dev.penstock.v1.StartPosition;
import java.time.Instant;

/** Where reading begins. Without one: a snapshot of tables, the end of streams. */
public final class Start {

    /** The oldest record kept. */
    public static final Start EARLIEST = new Start(StartPosition.newBuilder().setEarliest(true).build());
    /** The present end. */
    public static final Start LATEST = new Start(StartPosition.newBuilder().setLatest(true).build());
    /** A table's present rows, then its changes. */
    public static final Start SNAPSHOT = new Start(StartPosition.newBuilder().setSnapshot(true).build());

    final StartPosition message;

    private Start(StartPosition message) {
        this.message = message;
    }

    /** Just behind a position. */
    public static Start after(String token) {
        return new Start(StartPosition.newBuilder().setAfter(PositionToken.newBuilder().setValue(token)).build());
    }

    /** The first record with this rowtime or a later one. */
    public static Start at(Instant time) {
        return new Start(StartPosition.newBuilder().setAtTime(Times.message(time)).build());
    }
}
