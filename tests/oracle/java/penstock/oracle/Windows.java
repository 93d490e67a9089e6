package penstock.oracle;

import java.time.Duration;
import java.util.Map;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.CogroupedKStream;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindowedCogroupedKStream;
import org.apache.kafka.streams.kstream.TimeWindowedKStream;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;

/** Windows of ProtoJSON as those of the DSL. Grace without a word is 24 h less the length, at least 0. */
final class Windows {
  private Windows() {}

  static Duration duration(Map<String, Object> body, String name, Duration otherwise) {
    String text = (String) body.get(name);
    return text == null ? otherwise : Duration.ofMillis(Math.round(Double.parseDouble(text.substring(0, text.length() - 1)) * 1000));
  }

  static Duration grace(Map<String, Object> body, Duration length) {
    Duration rest = Duration.ofDays(1).minus(length);
    return duration(body, "grace", rest.isNegative() ? Duration.ZERO : rest);
  }

  static JoinWindows join(Map<String, Object> body, Duration before, Duration after) {
    return JoinWindows.ofTimeDifferenceAndGrace(Duration.ZERO, grace(body, before.plus(after))).before(before).after(after);
  }

  static KTable<Windowed<Object>, Object> aggregate(String name, KGroupedStream<Object, Object> grouped, Graph.Flow in, Fold fold,
      Map<String, Object> window, boolean last) {
    Duration size = duration(window, "size", Duration.ZERO);
    Duration gap = duration(window, "gap", Duration.ZERO);
    EmitStrategy emit = last ? EmitStrategy.onWindowClose() : EmitStrategy.onWindowUpdate();
    // With its shortest retention a store in memory forgets windows before they leave as final.
    Duration retention = duration(window, "retention", last ? Duration.ofHours(1) : null);
    org.apache.kafka.streams.kstream.Aggregator<Object, Object, Object> add = (k, v, s) -> fold.add(in.row(k, v), s);
    String kind = (String) window.getOrDefault("kind", "WINDOW_KIND_TUMBLING");
    if (kind.equals("WINDOW_KIND_SESSION")) {
      var stored = Materialized.<Object, Object, SessionStore<Bytes, byte[]>>as(name).withKeySerde(new Keys()).withValueSerde(new Values());
      // How long a session can be seen decides what late records merge with, so a session has its own retention, not a longer one.
      retention = duration(window, "retention", null);
      return grouped.windowedBy(SessionWindows.ofInactivityGapAndGrace(gap, grace(window, gap))).emitStrategy(emit)
          .aggregate(fold::initial, add, (k, one, other) -> fold.merge(one, other), retention == null ? stored : stored.withRetention(retention));
    }
    TimeWindowedKStream<Object, Object> windowed = switch (kind) {
      case "WINDOW_KIND_SLIDING" -> grouped.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(size, grace(window, size)));
      case "WINDOW_KIND_HOPPING" -> grouped.windowedBy(
          TimeWindows.ofSizeAndGrace(size, grace(window, size)).advanceBy(duration(window, "advance", size)));
      default -> grouped.windowedBy(TimeWindows.ofSizeAndGrace(size, grace(window, size)));
    };
    var stored = Materialized.<Object, Object, WindowStore<Bytes, byte[]>>as(name).withKeySerde(new Keys()).withValueSerde(new Values());
    return windowed.emitStrategy(emit).aggregate(fold::initial, add, retention == null ? stored : stored.withRetention(retention));
  }

  static KTable<Windowed<Object>, Object> cogroup(String name, CogroupedKStream<Object, Object> cogrouped, Fold fold, Map<String, Object> window) {
    Duration size = duration(window, "size", Duration.ZERO);
    Duration gap = duration(window, "gap", Duration.ZERO);
    Duration retention = duration(window, "retention", null);
    String kind = (String) window.getOrDefault("kind", "WINDOW_KIND_TUMBLING");
    if (kind.equals("WINDOW_KIND_SESSION")) {
      var stored = Materialized.<Object, Object, SessionStore<Bytes, byte[]>>as(name).withKeySerde(new Keys()).withValueSerde(new Values());
      return cogrouped.windowedBy(SessionWindows.ofInactivityGapAndGrace(gap, grace(window, gap)))
          .aggregate(fold::initial, (k, one, other) -> fold.merge(one, other), retention == null ? stored : stored.withRetention(retention));
    }
    TimeWindowedCogroupedKStream<Object, Object> windowed = switch (kind) {
      case "WINDOW_KIND_SLIDING" -> cogrouped.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(size, grace(window, size)));
      case "WINDOW_KIND_HOPPING" -> cogrouped.windowedBy(
          TimeWindows.ofSizeAndGrace(size, grace(window, size)).advanceBy(duration(window, "advance", size)));
      default -> cogrouped.windowedBy(TimeWindows.ofSizeAndGrace(size, grace(window, size)));
    };
    var stored = Materialized.<Object, Object, WindowStore<Bytes, byte[]>>as(name).withKeySerde(new Keys()).withValueSerde(new Values());
    return windowed.aggregate(fold::initial, retention == null ? stored : stored.withRetention(retention));
  }

  /** {"windowCloses": true} or {"timeLimit": duration}, with "maxRecords", "maxBytes" and "whenFull". */
  @SuppressWarnings({"unchecked", "rawtypes"})
  static Suppressed<Object> suppressed(Map<String, Object> body) {
    Object records = body.get("maxRecords");
    Object bytes = body.get("maxBytes");
    boolean stop = String.valueOf(body.get("whenFull")).endsWith("STOP");
    if (Boolean.TRUE.equals(body.get("windowCloses"))) {
      Suppressed.StrictBufferConfig config = records == null ? Suppressed.BufferConfig.unbounded()
          : Suppressed.BufferConfig.maxRecords(Long.parseLong(records.toString())).shutDownWhenFull();
      return (Suppressed<Object>) (Suppressed) Suppressed.untilWindowCloses(config);
    }
    Suppressed.EagerBufferConfig eager = records == null ? Suppressed.BufferConfig.maxBytes(Long.MAX_VALUE)
        : Suppressed.BufferConfig.maxRecords(Long.parseLong(records.toString()));
    eager = bytes == null ? eager : eager.withMaxBytes(Long.parseLong(bytes.toString()));
    Suppressed.BufferConfig<?> config = stop ? eager.shutDownWhenFull() : records == null && bytes == null ? eager.withNoBound() : eager;
    return Suppressed.untilTimeLimit(duration(body, "timeLimit", Duration.ZERO), config);
  }
}
