package dev.penstock.client;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;

/** Durations and instants as messages. */
final class Times {

    private Times() {
    }

    static com.google.protobuf.Duration message(Duration duration) {
        return com.google.protobuf.Duration.newBuilder().setSeconds(
                // the message's parts have one sign, Java's nanoseconds none
                duration.isNegative() && duration.getNano() > 0 ? duration.getSeconds() + 1 : duration.getSeconds()).setNanos(
                duration.isNegative() && duration.getNano() > 0 ? duration.getNano() - 1_000_000_000 : duration.getNano()).build();
    }

    static Duration duration(com.google.protobuf.Duration message) {
        return Duration.ofSeconds(message.getSeconds(), message.getNanos());
    }

    static Timestamp message(Instant instant) {
        return Timestamp.newBuilder().setSeconds(instant.getEpochSecond()).setNanos(instant.getNano()).build();
    }

    static Instant instant(Timestamp message) {
        return Instant.ofEpochSecond(message.getSeconds(), message.getNanos());
    }
}
