package penstock.oracle;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.internals.SessionWindow;
import org.apache.kafka.streams.kstream.internals.TimeWindow;

/** Keys as JSON: a list of key columns, or {"key":, "start":, "end":, "session":} for a window's key. Null is a null key. */
public final class Keys implements Serde<Object> {
  @Override
  public Serializer<Object> serializer() {
    return (topic, key) -> key == null ? null : Json.bytes(key instanceof Windowed<?> w ? windowed(w) : key);
  }

  @Override
  public Deserializer<Object> deserializer() {
    return (topic, bytes) -> {
      Object read = bytes == null ? null : Json.read(bytes);
      if (!(read instanceof Map<?, ?> w)) {
        return read;
      }
      long start = (Long) w.get("start");
      long end = (Long) w.get("end");
      return new Windowed<>(w.get("key"), (Boolean) w.get("session") ? new SessionWindow(start, end) : new TimeWindow(start, end));
    };
  }

  private static Map<String, Object> windowed(Windowed<?> w) {
    return Map.of("key", w.key(), "start", w.window().start(), "end", w.window().end(), "session", w.window() instanceof SessionWindow);
  }

  /** JSON with whole numbers as Long and sorted keys, so that equal values have equal bytes. */
  static final class Json {
    private static final ObjectMapper MAPPER = new ObjectMapper()
        .configure(com.fasterxml.jackson.databind.DeserializationFeature.USE_LONG_FOR_INTS, true)
        .configure(com.fasterxml.jackson.databind.SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true);

    static byte[] bytes(Object value) {
      try {
        return MAPPER.writeValueAsBytes(value);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    static String text(Object value) {
      return new String(bytes(value), java.nio.charset.StandardCharsets.UTF_8);
    }

    static Object read(byte[] bytes) {
      try {
        return MAPPER.readValue(bytes, Object.class);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object value) {
      return value == null ? Map.of() : (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    static List<Object> list(Object value) {
      return value == null ? List.of() : (List<Object>) value;
    }
  }
}
