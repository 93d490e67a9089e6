package dev.penstock.client;

import com.google.protobuf.Timestamp;
import dev.penstock.v1.WindowRange;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Settings of lookups by key. */
public final class LookupOptions extends Freshness<LookupOptions> {

    final List<String> columns = new ArrayList<>();
    Timestamp asOf;
    WindowRange windows;

    LookupOptions() {
    }

    /** The columns wanted, in this order; key and window columns are always sent. */
    public LookupOptions columns(String... names) {
        Collections.addAll(columns, names);
        return this;
    }

    /** Asks a versioned table for the row that was valid at this ROWTIME. */
    public LookupOptions asOf(Instant instant) {
        asOf = Times.message(instant);
        return this;
    }

    /** Restricts getWindows() to windows that start between these times, both inclusive; null is no bound. */
    public LookupOptions windows(Instant from, Instant to) {
        windows = range(from, to);
        return this;
    }

    static WindowRange range(Instant from, Instant to) {
        WindowRange.Builder out = WindowRange.newBuilder();
        if (from != null) {
            out.setStartFrom(Times.message(from));
        }
        if (to != null) {
            out.setStartTo(Times.message(to));
        }
        return out.build();
    }
}
