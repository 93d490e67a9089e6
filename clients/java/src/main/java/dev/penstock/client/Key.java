package dev.penstock.client;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** The values of several key columns, in their order; a single one needs no Key. */
public record Key(List<Object> values) {

    /** The values. */
    public static Key of(Object... values) {
        return new Key(Collections.unmodifiableList(Arrays.asList(values.clone())));
    }

    /** Any key as a Key. */
    static Key from(Object key) {
        return key instanceof Key several ? several : of(key);
    }
}
