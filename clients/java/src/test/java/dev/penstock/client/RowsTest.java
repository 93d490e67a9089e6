package dev.penstock.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.penstock.v1.ColumnData;
import dev.penstock.v1.LongArray;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RowsTest {

    private static final Type BIGINT = Type.of(Type.Kind.BIGINT);
    private static final Type STRING = Type.of(Type.Kind.STRING);

    private static List<Object> thereAndBack(Type type, Object... values) {
        Decoder.Vector column = Decoder.column(type, Encoder.column(type, Arrays.asList(values)), values.length);
        Object[] out = new Object[values.length];
        Arrays.setAll(out, column::at);
        return Arrays.asList(out);
    }

    private static void comesBack(Type type, Object... values) {
        assertEquals(Arrays.asList(values), thereAndBack(type, values));
    }

    @Test
    void scalarsComeBack() {
        comesBack(Type.of(Type.Kind.BOOLEAN), true, null, false);
        comesBack(Type.of(Type.Kind.INT), Integer.MIN_VALUE, Integer.MAX_VALUE, null);
        comesBack(BIGINT, Long.MIN_VALUE, null, Long.MAX_VALUE);
        comesBack(Type.of(Type.Kind.DOUBLE), Double.MIN_VALUE, Double.NaN, Double.NEGATIVE_INFINITY, -0.0, null);
        comesBack(STRING, "", "\0 é 😀", null);
        comesBack(Type.of(Type.Kind.DATE), LocalDate.of(1582, 10, 15), LocalDate.of(-1, 1, 1), LocalDate.of(9999, 12, 31), null);
        comesBack(Type.of(Type.Kind.TIME), LocalTime.MIDNIGHT, LocalTime.of(23, 59, 59, 999_000_000), null);
        comesBack(Type.of(Type.Kind.TIMESTAMP), Instant.ofEpochMilli(-1), Instant.ofEpochMilli(Long.MAX_VALUE), Instant.ofEpochMilli(Long.MIN_VALUE), null);
        comesBack(new Type(Type.Kind.DECIMAL, 38, 2, null, null, List.of()), new BigDecimal("-0.01"), new BigDecimal("9".repeat(36) + ".99"), null);
        List<Object> bytes = thereAndBack(Type.of(Type.Kind.BYTES), new byte[] {0, -1}, new byte[0], null);
        assertArrayEquals(new byte[] {0, -1}, (byte[]) bytes.get(0));
        assertEquals(0, ((byte[]) bytes.get(1)).length);
        assertNull(bytes.get(2));
    }

    @Test
    void nestedTypesComeBack() {
        Type longs = new Type(Type.Kind.ARRAY, 0, 0, null, BIGINT, List.of());
        Type map = new Type(Type.Kind.MAP, 0, 0, STRING, longs, List.of());
        Type struct = new Type(Type.Kind.STRUCT, 0, 0, null, null, List.of(new Type.Field("X", BIGINT), new Type.Field("M", map)));
        comesBack(new Type(Type.Kind.ARRAY, 0, 0, null, longs, List.of()), List.of(List.of(1L, 2L), List.of()), null, Arrays.asList(null, Arrays.asList(3L, null)));
        comesBack(map, Map.of("a", List.of(1L)), Map.of(), null, Collections.singletonMap("b", null));
        record Inner(long x, Map<String, List<Long>> m) {
        }
        Object given = new Inner(7, Map.of("k", List.of(8L)));
        assertEquals(List.of(Map.of("X", 7L, "M", Map.of("k", List.of(8L)))), thereAndBack(struct, given));
        assertEquals("STRUCT<X BIGINT, M MAP<STRING, ARRAY<BIGINT>>>", struct.toString());
    }

    @Test
    void whatDoesNotFitIsToldByItsPlace() {
        Type longs = new Type(Type.Kind.ARRAY, 0, 0, null, BIGINT, List.of());
        var misfit = assertThrows(Encoder.Misfit.class, () -> Encoder.column(longs, List.of(List.of(1), List.of(), List.of(2, "x"))));
        assertEquals(2, misfit.place);
        assertEquals("element: String is no integer that fits BIGINT", misfit.getMessage());
        Type decimal = new Type(Type.Kind.DECIMAL, 4, 2, null, null, List.of());
        assertEquals("1.234 does not fit 2 digits behind the point",
                assertThrows(Encoder.Misfit.class, () -> Encoder.column(decimal, List.of(new BigDecimal("1.234")))).getMessage());
        assertEquals("2147483648 does not fit INT",
                assertThrows(Encoder.Misfit.class, () -> Encoder.column(Type.of(Type.Kind.INT), List.of(1L << 31))).getMessage());
        ColumnData two = ColumnData.newBuilder().setLongs(LongArray.newBuilder().addValues(1).addValues(2)).build();
        assertThrows(IllegalStateException.class, () -> Decoder.column(BIGINT, two, 3));
        assertThrows(IllegalStateException.class, () -> Decoder.column(STRING, two, 2));
    }

    @Test
    void rowsAreAppendedByTheRelationsColumns() {
        Relation sales = Relation.of(dev.penstock.v1.Relation.newBuilder().setName("sales")
                .setKind(dev.penstock.v1.RelationKind.RELATION_KIND_STREAM).setSchema(dev.penstock.v1.Schema.newBuilder()
                        .addColumns(dev.penstock.v1.Column.newBuilder().setName("CUSTOMER").setRole(dev.penstock.v1.ColumnRole.COLUMN_ROLE_KEY)
                                .setType(dev.penstock.v1.Type.newBuilder().setKind(dev.penstock.v1.TypeKind.TYPE_KIND_STRING)))
                        .addColumns(dev.penstock.v1.Column.newBuilder().setName("N")
                                .setType(dev.penstock.v1.Type.newBuilder().setKind(dev.penstock.v1.TypeKind.TYPE_KIND_INT)))).build(), "");
        record Sale(String customer, Integer n) {
        }
        var rows = Appends.typed(sales, List.of(new Sale("a", 1), new Sale("b", null))).getRows();
        assertEquals(List.of("CUSTOMER", "N"), rows.getColumnsList());
        assertEquals(1, rows.getBatch().getColumns(1).getValidity().byteAt(0));
        assertEquals("row 1, column N INT: String is no integer that fits INT", assertThrows(
                IllegalArgumentException.class, () -> Appends.typed(sales, List.of(Map.of("n", 1), Map.of("n", "x")))).getMessage());
        assertEquals("row 0: sales has no column x; there are CUSTOMER, N, ROWTIME", assertThrows(
                IllegalArgumentException.class, () -> Appends.typed(sales, List.of(Map.of("x", 1)))).getMessage());
    }

    @Test
    void rowsBecomeRecords() {
        record Item(long n) {
        }
        record Sale(String customer, int n, double price, List<Item> items, java.util.Optional<String> note) {
        }
        var values = new java.util.LinkedHashMap<String, Object>(Map.of("CUSTOMER", "a", "N", 3, "PRICE", 1.5, "ITEMS", List.of(Map.of("N", 4L))));
        values.put("NOTE", null);
        assertEquals(new Sale("a", 3, 1.5, List.of(new Item(4)), java.util.Optional.empty()), Records.make(Sale.class, values));
        values.put("N", null);
        assertEquals("column N: NULL does not go into int; the wrapper class takes it",
                assertThrows(IllegalArgumentException.class, () -> Records.make(Sale.class, values)).getMessage());
    }

    @Test
    void jsonIsWhatTheServiceReads() {
        assertEquals("{\"n\":9007199254740993,\"s\":\"a\\\"\\u000a😀\"}", JsonText.of(new java.util.TreeMap<>(Map.of("n", 9007199254740993L, "s", "a\"\n😀"))));
        assertEquals("{\"a\":[\"2024-01-01T00:00:00.000Z\",1.50,null,\"AP8=\"]}", JsonText.of(Map.of(
                "a", Arrays.asList(Instant.parse("2024-01-01T00:00:00Z"), new BigDecimal("1.50"), null, new byte[] {0, -1}))));
        assertThrows(IllegalArgumentException.class, () -> JsonText.of(Map.of("a", Double.NaN)));
    }
}
