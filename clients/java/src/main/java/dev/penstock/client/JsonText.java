package dev.penstock.client;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;

/** Rows as JSON objects: dates and times in ISO 8601 (instants in UTC, whole milliseconds), bytes in base64. */
final class JsonText {

    private static final DateTimeFormatter MILLIS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private JsonText() {
    }

    static String of(Map<String, ?> row) {
        StringBuilder out = new StringBuilder();
        write(row, out);
        return out.toString();
    }

    private static void write(Object given, StringBuilder out) {
        Object value = Records.plain(given);
        if (value instanceof Map<?, ?> map) {
            out.append('{');
            Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
            while (entries.hasNext()) {
                Map.Entry<?, ?> entry = entries.next();
                text(String.valueOf(entry.getKey()), out);
                out.append(':');
                write(entry.getValue(), out);
                out.append(entries.hasNext() ? "," : "");
            }
            out.append('}');
        } else if (value instanceof Collection<?> || value instanceof Object[]) {
            out.append('[');
            Iterator<?> items = Encoder.elements(value).iterator();
            while (items.hasNext()) {
                write(items.next(), out);
                out.append(items.hasNext() ? "," : "");
            }
            out.append(']');
        } else if (value == null || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Number number) {
            number(number, out);
        } else {
            text(scalar(value), out);
        }
    }

    private static void number(Number number, StringBuilder out) {
        if ((number instanceof Double || number instanceof Float) && !Double.isFinite(number.doubleValue())) {
            throw new IllegalArgumentException(number + " is no number of JSON");
        }
        out.append(number);
    }

    private static String scalar(Object value) {
        if (value instanceof Instant instant) {
            return MILLIS.format(instant);
        }
        if (value instanceof OffsetDateTime || value instanceof ZonedDateTime) {
            return MILLIS.format(Instant.ofEpochMilli(Encoder.millis(value)));
        }
        if (value instanceof byte[] || value instanceof ByteBuffer) {
            return Base64.getEncoder().encodeToString(Encoder.bytes(value).toByteArray());
        }
        return value.toString(); // LocalDate and LocalTime are in ISO 8601
    }

    private static void text(String value, StringBuilder out) {
        out.append('"');
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
