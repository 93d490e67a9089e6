package dev.penstock.client;

import dev.penstock.v1.AppendAck;
import dev.penstock.v1.AppendBatch;
import dev.penstock.v1.AppendOpen;
import dev.penstock.v1.AppendOpened;
import dev.penstock.v1.AppendStreamRequest;
import dev.penstock.v1.PositionToken;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Which batches of a stream of appends wait for their acknowledgement, and what follows each answer, without I/O. Each batch has a sequence under the
 * producer's id, so that sending it again after a broken connection writes nothing twice.
 */
final class Appending {

    private final String producer;
    private final Retry retry;
    private final boolean skipInvalid;
    private final Deque<AppendBatch> waiting = new ArrayDeque<>(); // oldest first
    private long sequence;
    private long epoch; // of the service, once opened: who opens the same producer later ends this one
    private int maxInFlight = 1;
    private int attempt;
    private boolean ready; // opened by the present connection
    private boolean started; // opened by any: the last sequence is known
    private String position = "";
    private long appended;

    Appending(String producer, Retry retry, boolean skipInvalid) {
        this.producer = producer;
        this.retry = retry;
        this.skipInvalid = skipInvalid;
    }

    /** The first message of a connection. */
    AppendStreamRequest open() {
        AppendOpen.Builder open = AppendOpen.newBuilder().setProducerId(producer).setEpoch(epoch);
        if (!position.isEmpty()) {
            open.setPosition(PositionToken.newBuilder().setValue(position));
        }
        return AppendStreamRequest.newBuilder().setOpen(open).build();
    }

    boolean started() {
        return started;
    }

    long sequence() {
        return sequence;
    }

    String position() {
        return position;
    }

    long appended() {
        return appended;
    }

    /** Whether one more batch may be sent now. */
    boolean room() {
        return ready && waiting.size() < maxInFlight;
    }

    boolean idle() {
        return waiting.isEmpty();
    }

    /** Makes a batch wait from now on; its message. */
    AppendStreamRequest add(AppendBatch.Builder batch) {
        AppendBatch numbered = batch.setSequence(++sequence).build();
        waiting.add(numbered);
        return message(numbered);
    }

    /**
     * What to send after the service has opened the stream: all that waits. Batches that were written although their acknowledgement was lost are
     * among them: the answer `duplicate` has their position.
     */
    List<AppendStreamRequest> opened(AppendOpened answer) {
        attempt = 0;
        ready = true;
        epoch = answer.getEpoch();
        maxInFlight = Math.max(1, answer.getMaxInFlight());
        if (!started) {
            started = true;
            sequence = answer.getLastSequence();
        }
        return waiting.stream().map(Appending::message).toList();
    }

    /** Takes the answer to the oldest batch. An exception for one that was refused. */
    void acknowledge(AppendAck ack) {
        attempt = 0;
        Decoder.check(
                !waiting.isEmpty() && waiting.peek().getSequence() == ack.getSequence(),
                "acknowledgement " + ack.getSequence() + " does not follow the batches that were sent");
        waiting.remove();
        Appended result = Appended.of(ack, skipInvalid);
        position = result.position();
        appended += result.rows();
    }

    /** The time until the next connection; the exception again when a repeat does not help. */
    Duration broke(PenstockException error) {
        boolean accepted = ready;
        attempt++;
        ready = false;
        if (!Retry.helps(error, accepted) || !started && attempt >= retry.attempts()) {
            throw error;
        }
        return retry.waitAfter(attempt, error);
    }

    private static AppendStreamRequest message(AppendBatch batch) {
        return AppendStreamRequest.newBuilder().setBatch(batch).build();
    }
}
