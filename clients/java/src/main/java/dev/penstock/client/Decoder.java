package dev.penstock.client;

import dev.penstock.v1.ColumnData;
import dev.penstock.v1.ListArray;
import dev.penstock.v1.MapArray;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Columns of row.proto as values. */
final class Decoder {

    private Decoder() {
    }

    /** One decoded column: the value of a slot, null for NULL. It keeps the message's arrays and makes a value when it is asked for. */
    interface Vector {
        Object at(int slot);
    }

    /** Checks a column against its type and its number of slots. IllegalStateException when the service broke the format. */
    static Vector column(Type type, ColumnData data, int slots) {
        if (data.getDataCase() == ColumnData.DataCase.DATA_NOT_SET) {
            return slot -> null;
        }
        byte[] validity = data.getValidity().toByteArray();
        check(validity.length == 0 || validity.length * 8 >= slots, "validity has " + validity.length * 8 + " bits for " + slots + " slots");
        Vector values = values(type, data, slots);
        return validity.length == 0 ? values : slot -> (validity[slot / 8] >> slot % 8 & 1) == 0 ? null : values.at(slot);
    }

    private static Vector values(Type type, ColumnData data, int slots) {
        return switch (type.kind()) {
            case BOOLEAN -> scalars(type, data.hasBooleans(), data.getBooleans().getValuesCount(), slots, data.getBooleans()::getValues);
            case INT -> scalars(type, data.hasInts(), data.getInts().getValuesCount(), slots, data.getInts()::getValues);
            case DATE -> scalars(
                    type, data.hasInts(), data.getInts().getValuesCount(), slots, i -> LocalDate.ofEpochDay(data.getInts().getValues(i)));
            case TIME -> scalars(
                    type, data.hasInts(), data.getInts().getValuesCount(), slots, i -> LocalTime.ofNanoOfDay(data.getInts().getValues(i) * 1_000_000L));
            case BIGINT -> scalars(type, data.hasLongs(), data.getLongs().getValuesCount(), slots, data.getLongs()::getValues);
            case TIMESTAMP -> scalars(
                    type, data.hasLongs(), data.getLongs().getValuesCount(), slots, i -> Instant.ofEpochMilli(data.getLongs().getValues(i)));
            case DOUBLE -> scalars(type, data.hasDoubles(), data.getDoubles().getValuesCount(), slots, data.getDoubles()::getValues);
            case STRING -> scalars(type, data.hasStrings(), data.getStrings().getValuesCount(), slots, data.getStrings()::getValues);
            case DECIMAL -> scalars(
                    type, data.hasStrings(), data.getStrings().getValuesCount(), slots, i -> new BigDecimal(data.getStrings().getValues(i)));
            case BYTES -> scalars(
                    type, data.hasBinaries(), data.getBinaries().getValuesCount(), slots, i -> data.getBinaries().getValues(i).toByteArray());
            case ARRAY -> lists(type, data, slots);
            case MAP -> maps(type, data, slots);
            case STRUCT -> structs(type, data, slots);
        };
    }

    private static Vector scalars(Type type, boolean fits, int count, int slots, IntFunction<Object> value) {
        check(fits, "a column does not hold what " + type + " needs");
        check(count == slots, "a column has " + count + " slots where there must be " + slots);
        return value::apply;
    }

    private static Vector lists(Type type, ColumnData data, int slots) {
        ListArray lists = data.getLists();
        scalars(type, data.hasLists(), lists.getLengthsCount(), slots, i -> null);
        int[] starts = starts(lists.getLengthsList());
        Vector elements = column(type.element(), lists.getElements(), starts[slots]);
        return slot -> {
            List<Object> out = new ArrayList<>(starts[slot + 1] - starts[slot]);
            for (int i = starts[slot]; i < starts[slot + 1]; i++) {
                out.add(elements.at(i));
            }
            return Collections.unmodifiableList(out);
        };
    }

    private static Vector maps(Type type, ColumnData data, int slots) {
        MapArray maps = data.getMaps();
        scalars(type, data.hasMaps(), maps.getLengthsCount(), slots, i -> null);
        int[] starts = starts(maps.getLengthsList());
        Vector keys = column(type.key(), maps.getKeys(), starts[slots]);
        Vector values = column(type.element(), maps.getValues(), starts[slots]);
        return slot -> {
            Map<Object, Object> out = new LinkedHashMap<>();
            for (int i = starts[slot]; i < starts[slot + 1]; i++) {
                out.put(keys.at(i), values.at(i));
            }
            return Collections.unmodifiableMap(out);
        };
    }

    private static Vector structs(Type type, ColumnData data, int slots) {
        List<Type.Field> fields = type.fields();
        scalars(type, data.hasStructs(), data.getStructs().getFieldsCount(), fields.size(), i -> null);
        List<Vector> columns = IntStream.range(0, fields.size())
                .mapToObj(i -> column(fields.get(i).type(), data.getStructs().getFields(i), slots)).toList();
        return slot -> {
            Map<String, Object> out = new LinkedHashMap<>();
            for (int i = 0; i < fields.size(); i++) {
                out.put(fields.get(i).name(), columns.get(i).at(slot));
            }
            return Collections.unmodifiableMap(out);
        };
    }

    /** Where each slot's elements begin; the last is their number. */
    private static int[] starts(List<Integer> lengths) {
        int[] out = new int[lengths.size() + 1];
        for (int i = 0; i < lengths.size(); i++) {
            out[i + 1] = out[i] + lengths.get(i);
        }
        return out;
    }

    static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException("the service sent rows that break their format: " + otherwise);
        }
    }
}
