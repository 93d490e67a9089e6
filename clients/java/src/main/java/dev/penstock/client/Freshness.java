package dev.penstock.client;

import dev.penstock.v1.AtLeast;
import dev.penstock.v1.Consistency;
import dev.penstock.v1.PositionToken;
import dev.penstock.v1.Stale;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** How fresh an answer must be; without settings it is committed. T is the class of the settings themselves. */
public abstract class Freshness<T extends Freshness<T>> {

    private final List<PositionToken> tokens = new ArrayList<>();
    private final List<dev.penstock.v1.TopicOffset> offsets = new ArrayList<>();
    private Duration maxWait;
    private Duration stale;

    Freshness() {
    }

    @SuppressWarnings("unchecked")
    final T self() {
        return (T) this;
    }

    /**
     * Asks for an answer that includes what these positions stand for, such as an append's. PositionNotReachedException when it does not in time.
     * Empty tokens are left out.
     */
    public T atLeast(String... positions) {
        tokens.addAll(tokens(positions));
        return self();
    }

    /** As atLeast(), for records that were written straight to Kafka. */
    public T atLeast(TopicOffset... records) {
        for (TopicOffset record : records) {
            offsets.add(dev.penstock.v1.TopicOffset.newBuilder()
                    .setTopic(record.topic()).setPartition(record.partition()).setOffset(record.offset()).build());
        }
        return self();
    }

    /** Bounds the waiting for atLeast(); 5 s otherwise. */
    public T maxWait(Duration wait) {
        maxWait = wait;
        return self();
    }

    /** Accepts an answer of a task that does not run, if its last commit is at most this old. */
    public T stale(Duration age) {
        stale = age;
        return self();
    }

    final Consistency consistency() {
        boolean bounded = !tokens.isEmpty() || !offsets.isEmpty();
        if (stale != null && bounded) {
            throw new IllegalArgumentException("give atLeast or stale, not both");
        }
        if (stale != null) {
            return Consistency.newBuilder().setStale(Stale.newBuilder().setMaxStaleness(Times.message(stale))).build();
        }
        if (!bounded) {
            return Consistency.getDefaultInstance();
        }
        AtLeast.Builder out = AtLeast.newBuilder().addAllPositions(tokens).addAllOffsets(offsets);
        if (maxWait != null) {
            out.setMaxWait(Times.message(maxWait));
        }
        return Consistency.newBuilder().setAtLeast(out).build();
    }

    /** How long the service itself may wait. */
    final Duration patience() {
        return maxWait == null ? Duration.ZERO : maxWait;
    }

    static List<PositionToken> tokens(String... positions) {
        List<PositionToken> out = new ArrayList<>();
        for (String position : positions) {
            if (position != null && !position.isEmpty()) {
                out.add(PositionToken.newBuilder().setValue(position).build());
            }
        }
        return out;
    }
}
