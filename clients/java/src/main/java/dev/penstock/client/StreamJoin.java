package dev.penstock.client;

import dev.penstock.v1.JoinKind;
import dev.penstock.v1.StreamStreamJoin;
import java.time.Duration;

/** How two streams are joined: rows of the same key that are near in time. It is INNER unless it is said. */
public final class StreamJoin {

    final StreamStreamJoin message;

    private StreamJoin(StreamStreamJoin.Builder message) {
        this.message = message.build();
    }

    /** Rows that are at most this far apart. */
    public static StreamJoin within(Duration span) {
        return between(span, span);
    }

    /** How much older and newer the other row may be. */
    public static StreamJoin between(Duration before, Duration after) {
        return new StreamJoin(StreamStreamJoin.newBuilder()
                .setKind(JoinKind.JOIN_KIND_INNER).setBefore(Times.message(before)).setAfter(Times.message(after)));
    }

    /** Which unmatched rows stay. */
    public StreamJoin kind(Join kind) {
        return new StreamJoin(message.toBuilder().setKind(kind.message));
    }

    /** How late either row may come. */
    public StreamJoin grace(Duration grace) {
        return new StreamJoin(message.toBuilder().setGrace(Times.message(grace)));
    }

    /** Lets an unmatched row that stays leave at once, and once more for every row that it meets later. */
    public StreamJoin eager() {
        return new StreamJoin(message.toBuilder().setEager(true));
    }
}
