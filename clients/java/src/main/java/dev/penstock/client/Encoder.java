package dev.penstock.client;

import com.google.protobuf.ByteString;
import dev.penstock.v1.BoolArray;
import dev.penstock.v1.BytesArray;
import dev.penstock.v1.ColumnData;
import dev.penstock.v1.DoubleArray;
import dev.penstock.v1.IntArray;
import dev.penstock.v1.ListArray;
import dev.penstock.v1.LongArray;
import dev.penstock.v1.MapArray;
import dev.penstock.v1.StringArray;
import dev.penstock.v1.StructArray;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** Values as columns of row.proto. Values that do not fit their type are refused with the place of the first. */
final class Encoder {

    private Encoder() {
    }

    /** A value that does not fit, with its place among the values of the outermost column. */
    static final class Misfit extends IllegalArgumentException {

        private static final long serialVersionUID = 1L;
        final int place;

        Misfit(int place, String message) {
            super(message);
            this.place = place;
        }
    }

    /** The column of values of a type; null is NULL. Misfit. */
    static ColumnData column(Type type, List<?> values) {
        ColumnData.Builder out = ColumnData.newBuilder().setValidity(validity(values));
        switch (type.kind()) {
            case BOOLEAN -> {
                BoolArray.Builder array = BoolArray.newBuilder();
                each(values, Encoder::bool, false, (v, i) -> array.addValues(v));
                out.setBooleans(array);
            }
            case INT, DATE, TIME -> {
                Function<Object, Integer> convert = switch (type.kind()) {
                    case DATE -> Encoder::days;
                    case TIME -> Encoder::millisOfDay;
                    default -> value -> integer(value, Integer.MIN_VALUE, Integer.MAX_VALUE, "INT").intValue();
                };
                IntArray.Builder array = IntArray.newBuilder();
                each(values, convert, 0, (v, i) -> array.addValues(v));
                out.setInts(array);
            }
            case BIGINT, TIMESTAMP -> {
                LongArray.Builder array = LongArray.newBuilder();
                each(values, type.kind() == Type.Kind.TIMESTAMP ? Encoder::millis
                        : value -> integer(value, Long.MIN_VALUE, Long.MAX_VALUE, "BIGINT"), 0L, (v, i) -> array.addValues(v));
                out.setLongs(array);
            }
            case DOUBLE -> {
                DoubleArray.Builder array = DoubleArray.newBuilder();
                each(values, Encoder::floating, 0.0, (v, i) -> array.addValues(v));
                out.setDoubles(array);
            }
            case STRING, DECIMAL -> {
                StringArray.Builder array = StringArray.newBuilder();
                each(values, type.kind() == Type.Kind.STRING ? Encoder::text : value -> decimal(value, type), "", (v, i) -> array.addValues(v));
                out.setStrings(array);
            }
            case BYTES -> {
                BytesArray.Builder array = BytesArray.newBuilder();
                each(values, Encoder::bytes, ByteString.EMPTY, (v, i) -> array.addValues(v));
                out.setBinaries(array);
            }
            case ARRAY -> lists(type, values, out);
            case MAP -> maps(type, values, out);
            case STRUCT -> structs(type, values, out);
        }
        return out.build();
    }

    /** A bit for each value that is not null; empty when none is. */
    private static ByteString validity(List<?> values) {
        if (values.stream().allMatch(Objects::nonNull)) {
            return ByteString.EMPTY;
        }
        byte[] bits = new byte[(values.size() + 7) / 8];
        int place = 0;
        for (Object value : values) {
            if (value != null) {
                bits[place / 8] |= (byte) (1 << place % 8);
            }
            place++;
        }
        return ByteString.copyFrom(bits);
    }

    /** Converts every value; a NULL is `none`. */
    private static <T> void each(List<?> values, Function<Object, T> convert, T none, BiConsumer<T, Integer> into) {
        int place = 0;
        for (Object value : values) {
            try {
                into.accept(value == null ? none : convert.apply(value), place);
            } catch (IllegalArgumentException refused) {
                throw new Misfit(place, refused.getMessage());
            }
            place++;
        }
    }

    private static IllegalArgumentException unfit(Object value, String wanted) {
        return new IllegalArgumentException(value.getClass().getSimpleName() + " is no " + wanted);
    }

    private static Boolean bool(Object value) {
        if (value instanceof Boolean given) {
            return given;
        }
        throw unfit(value, "Boolean");
    }

    static Long integer(Object value, long least, long most, String wanted) {
        long whole;
        if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte) {
            whole = ((Number) value).longValue();
        } else if (value instanceof BigInteger big && big.bitLength() < 64) {
            whole = big.longValue();
        } else {
            throw unfit(value, "integer that fits " + wanted);
        }
        if (whole < least || whole > most) {
            throw new IllegalArgumentException(whole + " does not fit " + wanted);
        }
        return whole;
    }

    static Integer days(Object value) {
        if (!(value instanceof LocalDate date)) {
            throw unfit(value, "LocalDate");
        }
        long days = date.toEpochDay();
        if (days != (int) days) {
            throw new IllegalArgumentException(date + " is out of range");
        }
        return (int) days;
    }

    static Integer millisOfDay(Object value) {
        if (value instanceof LocalTime time) {
            return (int) (time.toNanoOfDay() / 1_000_000);
        }
        throw unfit(value, "LocalTime");
    }

    /** An instant in milliseconds since 1970, finer parts cut. */
    static Long millis(Object value) {
        Instant instant = value instanceof Instant given ? given
                : value instanceof OffsetDateTime given ? given.toInstant() : value instanceof ZonedDateTime given ? given.toInstant() : null;
        if (instant == null) {
            throw unfit(value, "Instant");
        }
        try {
            return instant.toEpochMilli();
        } catch (ArithmeticException far) {
            throw new IllegalArgumentException(instant + " is out of range", far);
        }
    }

    private static Double floating(Object value) {
        if (value instanceof Number number && !(value instanceof BigDecimal) && !(value instanceof BigInteger)) {
            return number.doubleValue();
        }
        throw unfit(value, "Double");
    }

    private static String text(Object value) {
        if (value instanceof String || value instanceof Enum<?>) {
            return value.toString();
        }
        throw unfit(value, "String");
    }

    static ByteString bytes(Object value) {
        if (value instanceof byte[] given) {
            return ByteString.copyFrom(given);
        }
        if (value instanceof ByteBuffer buffer) {
            return ByteString.copyFrom(buffer.duplicate());
        }
        throw unfit(value, "byte[]");
    }

    /** The plain text with exactly the scale's digits behind the point; only zeros may be cut. */
    private static String decimal(Object value, Type type) {
        BigDecimal number = value instanceof BigDecimal given ? given : value instanceof BigInteger whole ? new BigDecimal(whole)
                : value instanceof String given ? new BigDecimal(given) : BigDecimal.valueOf(integer(value, Long.MIN_VALUE, Long.MAX_VALUE, "DECIMAL"));
        try {
            return number.setScale(type.scale(), RoundingMode.UNNECESSARY).toPlainString();
        } catch (ArithmeticException lossy) {
            throw new IllegalArgumentException(number.toPlainString() + " does not fit " + type.scale() + " digits behind the point", lossy);
        }
    }

    /** The elements of an ARRAY's value. */
    static Collection<?> elements(Object value) {
        if (value instanceof Collection<?> collection) {
            return collection;
        }
        if (value instanceof Object[] array) {
            return Arrays.asList(array);
        }
        throw unfit(value, "List");
    }

    private static Map<?, ?> entries(Object value) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw unfit(value, "Map");
    }

    private static void lists(Type type, List<?> values, ColumnData.Builder out) {
        ListArray.Builder lists = ListArray.newBuilder();
        List<Object> flat = new ArrayList<>();
        each(values, Encoder::elements, List.of(), (elements, place) -> {
            lists.addLengths(elements.size());
            elements.forEach(element -> flat.add(Records.plain(element)));
        });
        out.setLists(lists.setElements(owned(lists.getLengthsList(), "element", () -> column(type.element(), flat))));
    }

    private static void maps(Type type, List<?> values, ColumnData.Builder out) {
        MapArray.Builder maps = MapArray.newBuilder();
        List<Object> keys = new ArrayList<>();
        List<Object> items = new ArrayList<>();
        each(values, Encoder::entries, Map.of(), (entries, place) -> {
            maps.addLengths(entries.size());
            entries.forEach((key, item) -> {
                if (key == null) {
                    throw new IllegalArgumentException("a MAP has no null key");
                }
                keys.add(Records.plain(key));
                items.add(Records.plain(item));
            });
        });
        maps.setKeys(owned(maps.getLengthsList(), "key", () -> column(type.key(), keys)));
        out.setMaps(maps.setValues(owned(maps.getLengthsList(), "value", () -> column(type.element(), items))));
    }

    /** An inner column, whose misfits are told by the slot that they belong to. */
    private static ColumnData owned(List<Integer> lengths, String what, Supplier<ColumnData> column) {
        try {
            return column.get();
        } catch (Misfit misfit) {
            int place = misfit.place;
            int slot = 0;
            while (place >= lengths.get(slot)) {
                place -= lengths.get(slot++);
            }
            throw new Misfit(slot, what + ": " + misfit.getMessage());
        }
    }

    private static void structs(Type type, List<?> values, ColumnData.Builder out) {
        List<String> names = type.fields().stream().map(Type.Field::name).toList();
        List<Object[]> columns = names.stream().map(name -> new Object[values.size()]).toList();
        each(values, value -> entries(Records.plain(value)), Map.of(), (entries, place) -> entries.forEach((name, item) -> {
            int field = Names.find(names, String.valueOf(name));
            if (field < 0) {
                throw Names.unknown("unknown field " + name, names);
            }
            columns.get(field)[place] = Records.plain(item);
        }));
        StructArray.Builder structs = StructArray.newBuilder();
        for (int i = 0; i < names.size(); i++) {
            try {
                structs.addFields(column(type.fields().get(i).type(), Arrays.asList(columns.get(i))));
            } catch (Misfit misfit) {
                throw new Misfit(misfit.place, "field " + names.get(i) + ": " + misfit.getMessage());
            }
        }
        out.setStructs(structs);
    }
}
