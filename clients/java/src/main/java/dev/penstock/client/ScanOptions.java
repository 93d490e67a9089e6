package dev.penstock.client;

import dev.penstock.v1.KeyRange;
import dev.penstock.v1.ScanRequest;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Settings of a scan. */
public final class ScanOptions extends Freshness<ScanOptions> {

    final ScanRequest.Builder request = ScanRequest.newBuilder();

    ScanOptions() {
    }

    /** The columns wanted, in this order; key and window columns are always sent. */
    public ScanOptions columns(String... names) {
        request.addAllColumns(List.of(names));
        return this;
    }

    /** A BOOLEAN expression that keeps rows. */
    public ScanOptions where(String expression) {
        request.setWhere(expression);
        return this;
    }

    /** The values of {@code :name} in where(). */
    public ScanOptions with(Map<String, ?> parameters) {
        request.putAllParameters(Values.parameters(parameters));
        return this;
    }

    /** Ends the scan after that many rows. */
    public ScanOptions limit(long rows) {
        request.setLimit(rows);
        return this;
    }

    /** Restricts to keys that begin with these columns. */
    public ScanOptions prefix(Object key) {
        request.setRange(KeyRange.newBuilder().addAllPrefix(Values.key(key)));
        return this;
    }

    /** Restricts to keys between two bounds, both inclusive; null is no bound. */
    public ScanOptions between(Object from, Object to) {
        KeyRange.Builder range = KeyRange.newBuilder();
        if (from != null) {
            range.addAllFromKey(Values.key(from));
        }
        if (to != null) {
            range.addAllToKey(Values.key(to));
        }
        request.setRange(range);
        return this;
    }

    /** Restricts a windowed table to windows that start between these times, both inclusive; null is no bound. */
    public ScanOptions windows(Instant from, Instant to) {
        request.setWindows(LookupOptions.range(from, to));
        return this;
    }

    /** Goes on after an earlier scan of the same relation and conditions. */
    public ScanOptions cursor(String cursor) {
        request.setCursor(cursor);
        return this;
    }
}
