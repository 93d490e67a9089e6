package dev.penstock.client;

import dev.penstock.v1.UpdateTopologyRequest;
import java.time.Duration;

/** Settings of an update. */
public final class UpdateOptions {

    final UpdateTopologyRequest.Builder request = UpdateTopologyRequest.newBuilder();
    Duration wait = Duration.ZERO;

    UpdateOptions() {
    }

    /** The definition must still be this one, else EtagMismatchException. */
    public UpdateOptions etag(String etag) {
        request.setEtag(etag);
        return this;
    }

    /** Answers the changes and changes nothing. */
    public UpdateOptions validateOnly() {
        request.setValidateOnly(true);
        return this;
    }

    /** Accepts that state is computed anew. */
    public UpdateOptions allowRebuild() {
        request.setAllowRebuild(true);
        return this;
    }

    /** Accepts that state is given up. */
    public UpdateOptions allowDrop() {
        request.setAllowDrop(true);
        return this;
    }

    /** Computes added aggregate columns from the beginning. */
    public UpdateOptions rebuildAddedColumns() {
        request.setRebuildAddedColumns(true);
        return this;
    }

    /** Answers only when the topology is RUNNING or FAILED, at most this long. */
    public UpdateOptions wait(Duration limit) {
        wait = limit;
        request.setWait(Times.message(limit));
        return this;
    }
}
