package penstock.oracle;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.internals.SessionWindow;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.TimestampedKeyValueStore;
import org.apache.kafka.streams.state.TimestampedWindowStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;

/** What watch.py is in Penstock: see there. Its outputs are its children, named NODE-counts and NODE-told. */
final class Watch extends ContextualProcessor<Object, Object, Object, Object> {
  private static final long SIZE = 10;
  private static final long GAP = 5;
  private static final Duration HOUR = Duration.ofHours(1);

  private final String node;
  private final Map<String, Object> config;
  private TimestampedKeyValueStore<Object, Object> seen;
  private TimestampedWindowStore<Object, Object> windows;
  private SessionStore<Object, Object> visits;

  private Watch(String node, Map<String, Object> config) {
    this.node = node;
    this.config = config;
  }

  /** Names of its stores. */
  static List<String> stores(String node) {
    return List.of(node + ".seen", node + ".windows", node + ".visits");
  }

  static ProcessorSupplier<Object, Object, Object, Object> of(String node, Map<String, Object> config) {
    return new ProcessorSupplier<>() {
      @Override
      public Processor<Object, Object, Object, Object> get() {
        return new Watch(node, config);
      }

      @Override
      public Set<StoreBuilder<?>> stores() {
        List<String> names = Watch.stores(node);
        return Set.of(Stores.timestampedKeyValueStoreBuilder(Stores.inMemoryKeyValueStore(names.get(0)), new Keys(), new Values()),
            Stores.timestampedWindowStoreBuilder(Stores.inMemoryWindowStore(names.get(1), HOUR, Duration.ofMillis(SIZE), false), new Keys(), new Values()),
            Stores.sessionStoreBuilder(Stores.inMemorySessionStore(names.get(2), HOUR), new Keys(), new Values()));
      }
    };
  }

  @Override
  public void init(ProcessorContext<Object, Object> context) {
    super.init(context);
    List<String> names = stores(node);
    seen = context.getStateStore(names.get(0));
    windows = context.getStateStore(names.get(1));
    visits = context.getStateStore(names.get(2));
    Map.of("every", PunctuationType.STREAM_TIME, "clock", PunctuationType.WALL_CLOCK_TIME).forEach((name, type) -> {
      if (config.containsKey(name)) {
        context.schedule(Duration.ofMillis(Long.parseLong((String) config.get(name))), type, this::tell);
      }
    });
  }

  @Override
  public void process(Record<Object, Object> record) {
    Object key = record.key();
    long at = record.timestamp();
    if (key == null) {
      return;
    }
    if (record.value() == null) {
      seen.delete(key);
      context().forward(record, node + "-counts");
      return;
    }
    ValueAndTimestamp<Object> before = seen.get(key);
    long count = number(before == null ? null : before.value()) + 1;
    seen.put(key, ValueAndTimestamp.make(Map.of("N", count), at));
    long start = at - at % SIZE;
    ValueAndTimestamp<Object> window = windows.fetch(key, start);
    long within = number(window == null ? null : window.value()) + 1;
    windows.put(key, ValueAndTimestamp.make(Map.of("N", within), at), start);
    long visit = 1;
    long first = at;
    long last = at;
    for (KeyValue<Windowed<Object>, Object> one : near(key, at)) {
      visit += number(one.value);
      first = Math.min(first, one.key.window().start());
      last = Math.max(last, one.key.window().end());
      visits.remove(one.key);
    }
    visits.put(new Windowed<>(key, new SessionWindow(first, last)), Map.of("N", visit));
    context().forward(record.withValue(Map.of("N", count, "W", within, "V", visit)), node + "-counts");
  }

  private List<KeyValue<Windowed<Object>, Object>> near(Object key, long at) {
    List<KeyValue<Windowed<Object>, Object>> found = new ArrayList<>();
    try (KeyValueIterator<Windowed<Object>, Object> all = visits.findSessions(key, at - GAP, at + GAP)) {
      all.forEachRemaining(found::add);
    }
    return found;
  }

  private void tell(long now) {
    List<KeyValue<Object, ValueAndTimestamp<Object>>> rows = new ArrayList<>();
    try (KeyValueIterator<Object, ValueAndTimestamp<Object>> all = seen.all()) {
      all.forEachRemaining(rows::add);
    }
    rows.forEach(row -> context().forward(new Record<>(List.of(number(row.value.value()) % 5),
        Map.of("K", Keys.Json.list(row.key).get(0), "AT", now), now), node + "-told"));
  }

  private static long number(Object row) {
    return row == null ? 0 : (Long) Keys.Json.object(row).get("N");
  }
}
