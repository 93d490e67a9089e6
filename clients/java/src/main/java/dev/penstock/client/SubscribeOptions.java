package dev.penstock.client;

import dev.penstock.v1.PositionToken;
import dev.penstock.v1.SubscribeRequest;
import dev.penstock.v1.Until;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Settings of a subscription. */
public final class SubscribeOptions {

    final SubscribeRequest.Builder request = SubscribeRequest.newBuilder();

    SubscribeOptions() {
    }

    /** The columns wanted, in this order; key and window columns of a table are always sent. */
    public SubscribeOptions columns(String... names) {
        request.addAllColumns(List.of(names));
        return this;
    }

    /** A BOOLEAN expression that keeps rows. A row of a table that stops matching arrives as deleted. */
    public SubscribeOptions where(String expression) {
        request.setWhere(expression);
        return this;
    }

    /** The values of {@code :name} in where(). */
    public SubscribeOptions with(Map<String, ?> parameters) {
        request.putAllParameters(Values.parameters(parameters));
        return this;
    }

    /** Ends the subscription after that many rows. */
    public SubscribeOptions limit(long rows) {
        request.setLimit(rows);
        return this;
    }

    /** Where it starts. */
    public SubscribeOptions from(Start start) {
        request.setStart(start.message);
        return this;
    }

    /** Ends at the present end of the log. */
    public SubscribeOptions untilEnd() {
        request.setUntil(Until.newBuilder().setCurrentEnd(true));
        return this;
    }

    /** Ends at a position. */
    public SubscribeOptions until(String token) {
        request.setUntil(Until.newBuilder().setPosition(PositionToken.newBuilder().setValue(token)));
        return this;
    }

    /** Restricts to these partitions. */
    public SubscribeOptions partitions(Integer... partitions) {
        request.addAllPartitions(List.of(partitions));
        return this;
    }

    /** Bounds a batch, 1 to 65536 rows; 500 otherwise. */
    public SubscribeOptions maxBatchRows(int rows) {
        request.setMaxBatchRows(rows);
        return this;
    }

    /** How long rows wait for company, at most 1 s; 5 ms otherwise. */
    public SubscribeOptions maxLinger(Duration wait) {
        request.setMaxLinger(Times.message(wait));
        return this;
    }

    /** The longest silence, 100 ms to 1 h; 10 s otherwise. */
    public SubscribeOptions progressInterval(Duration interval) {
        request.setProgressInterval(Times.message(interval));
        return this;
    }
}
