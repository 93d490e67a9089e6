package dev.penstock.client;

import dev.penstock.v1.Value;
import dev.penstock.v1.ValueEntries;
import dev.penstock.v1.ValueList;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Java values as messages, by their class; null is NULL. DECIMAL is its text. */
final class Values {

    private Values() {
    }

    static Value message(Object given) {
        Object value = Records.plain(given);
        Value.Builder out = Value.newBuilder();
        if (value instanceof Boolean bool) {
            out.setBoolean(bool);
        } else if (value instanceof String || value instanceof Enum<?>) {
            out.setText(value.toString());
        } else if (value instanceof BigDecimal decimal) {
            out.setText(decimal.toPlainString());
        } else if (value instanceof Double || value instanceof Float) {
            out.setFloating(((Number) value).doubleValue());
        } else if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte || value instanceof BigInteger) {
            out.setInteger(Encoder.integer(value, Long.MIN_VALUE, Long.MAX_VALUE, "BIGINT"));
        } else if (value instanceof LocalDate) {
            out.setInteger(Encoder.days(value));
        } else if (value instanceof LocalTime) {
            out.setInteger(Encoder.millisOfDay(value));
        } else if (value instanceof Instant || value instanceof OffsetDateTime || value instanceof ZonedDateTime) {
            out.setInteger(Encoder.millis(value));
        } else if (value instanceof byte[] || value instanceof ByteBuffer) {
            out.setBinary(Encoder.bytes(value));
        } else if (value instanceof Collection<?> || value instanceof Object[]) {
            out.setList(ValueList.newBuilder().addAllValues(Encoder.elements(value).stream().map(Values::message).toList()));
        } else if (value instanceof Map<?, ?> map) {
            ValueEntries.Builder entries = ValueEntries.newBuilder();
            map.forEach((key, item) -> entries.addKeys(message(key)).addValues(message(item)));
            out.setEntries(entries);
        } else if (value != null) {
            throw new IllegalArgumentException("no SQL value for " + value.getClass().getName());
        }
        return out.build();
    }

    /** A key as one value for each key column. */
    static List<Value> key(Object key) {
        return Key.from(key).values().stream().map(Values::message).toList();
    }

    static Map<String, Value> parameters(Map<String, ?> parameters) {
        return parameters.entrySet().stream().collect(Collectors.toMap(
                e -> e.getKey().startsWith(":") ? e.getKey().substring(1) : e.getKey(), e -> message(e.getValue())));
    }
}
