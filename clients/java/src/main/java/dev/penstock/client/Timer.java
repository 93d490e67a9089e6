package dev.penstock.client;

import dev.penstock.v1.TimerClock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** A timer of a key, in whole milliseconds since 1970. One with a name is known by it; one without has an empty name and is known by its time. */
public record Timer(Key key, Instant at, String name, Clock clock) {

    /** What a timer's time is compared with. */
    public enum Clock {
        /** The newest ROWTIME of the task's rows that were processed; nothing is due while no rows come. */
        STREAM_TIME,
        /** The machine's clock. */
        WALL_CLOCK;

        TimerClock message() {
            return this == WALL_CLOCK ? TimerClock.TIMER_CLOCK_WALL_CLOCK : TimerClock.TIMER_CLOCK_STREAM_TIME;
        }
    }

    /** The timers of a message; keys: the columns of their keys, null for a node without timers. */
    static List<Timer> of(RowSchema keys, dev.penstock.v1.Timers message) {
        List<Timer> out = new ArrayList<>();
        if (keys == null || message.getTimesCount() == 0) {
            return out;
        }
        Batch rows = Batch.of(keys, message.getKeys(), "", false);
        int size = rows.size();
        Decoder.check(
                message.getNamesCount() == size && message.getTimesCount() == size && message.getClocksCount() == size, "lists of timers of unequal length");
        for (int i = 0; i < size; i++) {
            out.add(new Timer(
                    new Key(new ArrayList<>(rows.row(i).toMap().values())), Instant.ofEpochMilli(message.getTimes(i)), message.getNames(i),
                    message.getClocks(i) == TimerClock.TIMER_CLOCK_WALL_CLOCK ? Clock.WALL_CLOCK : Clock.STREAM_TIME));
        }
        return out;
    }
}
