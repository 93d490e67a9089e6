package dev.penstock.client;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How calls are repeated. attempts counts the first call; waits grow from first to longest, each drawn at random from the upper half of its
 * step, so that many clients do not come back together.
 */
public record Retry(int attempts, Duration first, Duration longest) {

    /** Waits some eight seconds in all: a node is back by then. */
    public static final Retry DEFAULT = new Retry(10, Duration.ofMillis(50), Duration.ofSeconds(2));

    /** One attempt: nothing is repeated. */
    public static final Retry NONE = new Retry(1, DEFAULT.first, DEFAULT.longest);

    /** The time before the next attempt after number `attempt` (from 1), at least what the service asked for. error: null for a planned end. */
    Duration waitAfter(int attempt, PenstockException error) {
        long step = longest.toMillis();
        if (attempt <= 30 && first.toMillis() << (attempt - 1) < step) {
            step = first.toMillis() << (attempt - 1);
        }
        Duration wait = Duration.ofMillis(step / 2 + (long) (ThreadLocalRandom.current().nextDouble() * step / 2));
        return error != null && error.retryAfter().compareTo(wait) > 0 ? error.retryAfter() : wait;
    }

    /**
     * As helps(error). Of a call that the service had accepted, credentials that are not taken any more have expired: the next one takes new ones,
     * where the application gives any.
     */
    static boolean helps(PenstockException error, boolean accepted) {
        return helps(error) || accepted && error.reason().equals("CREDENTIALS_INVALID");
    }

    /**
     * Whether a repeat may succeed. gRPC servers answer bursts of new streams with CANCELLED, which nobody asked for; an INTERNAL without a
     * reason is the gRPC library's own, for a stream that broke while it was opened.
     */
    static boolean helps(PenstockException error) {
        if (error instanceof ClosedException) {
            return false;
        }
        return switch (error.code()) {
            case UNAVAILABLE -> true;
            case INTERNAL -> error.reason().isEmpty();
            case CANCELLED -> error.getCause() == null;
            default -> false;
        };
    }
}
