package dev.penstock.client;

/** What became of the chosen dead letters: replayed now, replayed before, or without a record that could be processed again. */
public record Replay(long replayed, long before, long impossible) {
}
