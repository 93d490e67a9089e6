package dev.penstock.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * One SQL type. precision and scale: a DECIMAL's digits, and those of them behind the point; key: a MAP's key type, else null; element: an
 * ARRAY's element type and a MAP's value type, else null; fields: a STRUCT's.
 */
public record Type(Kind kind, int precision, int scale, Type key, Type element, List<Field> fields) {

    /** The outermost constructor of a type, and the Java type of its values; NULL is null everywhere. */
    public enum Kind {
        /** Boolean. */ BOOLEAN,
        /** Integer. */ INT,
        /** Long. */ BIGINT,
        /** Double. */ DOUBLE,
        /** java.math.BigDecimal, of the type's scale. */ DECIMAL,
        /** String. */ STRING,
        /** byte[]. */ BYTES,
        /** java.time.LocalDate. */ DATE,
        /** java.time.LocalTime, whole milliseconds. */ TIME,
        /** java.time.Instant, whole milliseconds. */ TIMESTAMP,
        /** List. */ ARRAY,
        /** Map, in the order of the message. */ MAP,
        /** Map of String with every field, in their order. */ STRUCT
    }

    /** One field of a STRUCT. */
    public record Field(String name, Type type) {
    }

    static Type of(Kind kind) {
        return new Type(kind, 0, 0, null, null, List.of());
    }

    static Type of(dev.penstock.v1.Type message) {
        int number = message.getKindValue();
        if (number < 1 || number > Kind.values().length) {
            throw new IllegalStateException("this client does not know the type '" + message.getSql() + "'; a newer one may");
        }
        Kind kind = Kind.valueOf(Names.bare(message.getKind(), "TYPE_KIND_"));
        List<Field> fields = new ArrayList<>();
        message.getFieldsList().forEach(field -> fields.add(new Field(field.getName(), of(field.getType()))));
        return new Type(
                kind, message.getPrecision(), message.getScale(), kind == Kind.MAP ? of(message.getKey()) : null,
                kind == Kind.MAP || kind == Kind.ARRAY ? of(message.getElement()) : null, List.copyOf(fields));
    }

    /** The type as SQL text. */
    @Override
    public String toString() {
        return switch (kind) {
            case DECIMAL -> "DECIMAL(" + precision + ", " + scale + ")";
            case ARRAY -> "ARRAY<" + element + ">";
            case MAP -> "MAP<" + key + ", " + element + ">";
            case STRUCT -> fields.stream().map(f -> Names.quoted(f.name()) + " " + f.type()).collect(Collectors.joining(", ", "STRUCT<", ">"));
            default -> Objects.toString(kind);
        };
    }
}
