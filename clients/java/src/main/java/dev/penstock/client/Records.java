package dev.penstock.client;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Java records as rows and STRUCTs: each component is the column of its name. */
final class Records {

    private Records() {
    }

    /** A value as the encoders take it: records as maps, Optional opened. */
    static Object plain(Object value) {
        if (value instanceof Optional<?> optional) {
            return plain(optional.orElse(null));
        }
        return value instanceof Record ? row(value) : value;
    }

    /** A row by column name: of a Map as it is, of a record its components. */
    @SuppressWarnings("unchecked")
    static Map<String, ?> row(Object row) {
        if (row instanceof Map<?, ?> map) {
            return (Map<String, ?>) map;
        }
        if (!(row instanceof Record)) {
            throw new IllegalArgumentException((row == null ? "null" : row.getClass().getName()) + " is no row: give a Map or a record");
        }
        Map<String, Object> out = new LinkedHashMap<>();
        for (RecordComponent component : row.getClass().getRecordComponents()) {
            try {
                component.getAccessor().setAccessible(true);
                out.put(component.getName(), component.getAccessor().invoke(row));
            } catch (IllegalAccessException | InvocationTargetException failed) {
                throw new IllegalArgumentException(component + " cannot be read", failed);
            }
        }
        return out;
    }

    /** A record of values by name; one that is not named is null. IllegalArgumentException for a component that has no value of its type. */
    static <T extends Record> T make(Class<T> type, Map<String, ?> values) {
        RecordComponent[] components = type.getRecordComponents();
        List<String> names = new ArrayList<>(values.keySet());
        Object[] arguments = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            int place = Names.find(names, components[i].getName());
            if (place < 0) {
                throw Names.unknown("no column " + components[i].getName(), names);
            }
            try {
                arguments[i] = fit(components[i].getGenericType(), values.get(names.get(place)));
            } catch (IllegalArgumentException misfit) {
                throw new IllegalArgumentException("column " + names.get(place) + ": " + misfit.getMessage(), misfit);
            }
        }
        try {
            Constructor<T> constructor = type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            constructor.setAccessible(true);
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException refused) {
            throw new IllegalArgumentException(type.getName() + " refuses the row: " + refused.getCause(), refused.getCause());
        } catch (ReflectiveOperationException failed) {
            throw new IllegalArgumentException(type.getName() + " cannot be made", failed);
        }
    }

    /** A value for a place of a Java type: whole numbers widen, maps become records; lists and maps have fitting elements. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    static Object fit(java.lang.reflect.Type into, Object value) {
        if (into instanceof ParameterizedType generic) {
            java.lang.reflect.Type[] inner = generic.getActualTypeArguments();
            if (value instanceof List<?> list && inner.length == 1) {
                List<Object> out = new ArrayList<>();
                list.forEach(element -> out.add(fit(inner[0], element)));
                return out;
            }
            if (value instanceof Map<?, ?> map && inner.length == 2) {
                Map<Object, Object> out = new LinkedHashMap<>();
                map.forEach((key, item) -> out.put(fit(inner[0], key), fit(inner[1], item)));
                return out;
            }
            if (generic.getRawType() == Optional.class) {
                return Optional.ofNullable(fit(inner[0], value));
            }
            return fit(generic.getRawType(), value);
        }
        if (!(into instanceof Class<?> type)) {
            return value; // a wildcard or a type variable: anything fits
        }
        if (value == null) {
            if (type.isPrimitive()) {
                throw new IllegalArgumentException("NULL does not go into " + type + "; the wrapper class takes it");
            }
            return null;
        }
        if (type.isInstance(value)) {
            return value;
        }
        if (value instanceof Integer whole && (type == int.class || type == long.class || type == Long.class)) {
            return type == int.class ? (Object) whole : (Object) whole.longValue();
        }
        if (value instanceof Long && type == long.class || value instanceof Double && type == double.class || value instanceof Boolean && type == boolean.class) {
            return value;
        }
        if (value instanceof Long whole && (type == int.class || type == Integer.class) && whole.intValue() == whole) {
            return whole.intValue();
        }
        if (value instanceof Map<?, ?> map && type.isRecord()) {
            return make((Class) type, (Map<String, ?>) map);
        }
        throw new IllegalArgumentException(value.getClass().getSimpleName() + " does not go into " + type.getSimpleName());
    }
}
