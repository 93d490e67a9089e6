package dev.penstock.client;

import dev.penstock.v1.JoinKind;

/** Which unmatched rows a join keeps. */
public enum Join {
    /** None. */ INNER(JoinKind.JOIN_KIND_INNER),
    /** The left ones. */ LEFT(JoinKind.JOIN_KIND_LEFT),
    /** The right ones. */ RIGHT(JoinKind.JOIN_KIND_RIGHT),
    /** Both. */ FULL(JoinKind.JOIN_KIND_FULL);

    final JoinKind message;

    Join(JoinKind message) {
        this.message = message;
    }
}
