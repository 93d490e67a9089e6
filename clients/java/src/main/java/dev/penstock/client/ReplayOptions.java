package dev.penstock.client;

import dev.penstock.v1.ReplayDeadLettersRequest;

/** Which dead letters are replayed; without settings all. */
public final class ReplayOptions {

    final ReplayDeadLettersRequest.Builder request = ReplayDeadLettersRequest.newBuilder();

    ReplayOptions() {
    }

    /** A condition over the columns of {@code topology.dead_letter}. */
    public ReplayOptions where(String expression) {
        request.setWhere(expression);
        return this;
    }

    /** A part of the letters' reason. */
    public ReplayOptions reason(String part) {
        request.setReason(part);
        return this;
    }

    /** Counts and replays nothing. */
    public ReplayOptions validateOnly() {
        request.setValidateOnly(true);
        return this;
    }
}
