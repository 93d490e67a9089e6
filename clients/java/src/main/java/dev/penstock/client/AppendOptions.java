package dev.penstock.client;

import dev.penstock.v1.AppendBatch;
import dev.penstock.v1.OnInvalid;

/** Settings of an append. */
public final class AppendOptions {

    boolean json;
    boolean skipInvalid;
    String producer = "";
    long sequence;

    AppendOptions() {
    }

    /** Sends rows as JSON objects, which the service casts as INSERT VALUES does, instead of typed by the relation's schema. */
    public AppendOptions json() {
        json = true;
        return this;
    }

    /** Writes the valid rows of a batch and names the others; otherwise nothing of a batch with an invalid row is written. */
    public AppendOptions skipInvalid() {
        skipInvalid = true;
        return this;
    }

    /** Numbers a batch within a producer of the application's own: 1, 2, 3 and so on. Such a batch may be repeated and is written once. */
    public AppendOptions producer(String id, long sequence) {
        this.producer = id;
        this.sequence = sequence;
        return this;
    }

    /** An appender's producer, which counts by itself: a new process goes on after lastSequence(). */
    public AppendOptions producer(String id) {
        return producer(id, 0);
    }

    AppendBatch.Builder mark(AppendBatch.Builder batch) {
        return batch.setOnInvalid(skipInvalid ? OnInvalid.ON_INVALID_SKIP_ROWS : OnInvalid.ON_INVALID_REJECT_BATCH);
    }
}
