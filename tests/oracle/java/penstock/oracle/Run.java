package penstock.oracle;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.TimestampedKeyValueStore;
import org.apache.kafka.streams.state.TimestampedWindowStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.apache.kafka.streams.test.TestRecord;

/**
 * One topology, its inputs, and what came of them. Both emit intervals 0, explicit times. Without a cache every update of a table is sent on;
 * with it the last one of each key of a commit, which the driver does after each record.
 */
final class Run {
  private final Map<String, Object> request;
  private Consumer<Map<String, Object>> out;

  Run(Map<String, Object> request) {
    this.request = request;
  }

  void run(Consumer<Map<String, Object>> results) {
    out = results;
    var graph = new Graph(Keys.Json.list(request.get("relations")), Keys.Json.list(Keys.Json.object(request.get("topology")).get("nodes")));
    var topology = graph.build();
    try (var driver = new TopologyTestDriver(topology, settings(), Instant.EPOCH)) {
      Map<String, TestInputTopic<Object, Object>> topics = new HashMap<>();
      for (String topic : graph.sources()) {
        topics.put(topic, driver.createInputTopic(topic, new Keys().serializer(), new Values().serializer()));
      }
      List<Object> inputs = Keys.Json.list(request.get("inputs"));
      for (int i = 0; i < inputs.size(); i++) {
        Map<String, Object> input = Keys.Json.object(inputs.get(i));
        try {
          if (input.get("advance") != null) {
            driver.advanceWallClockTime(Duration.ofMillis((Long) input.get("advance")));
          }
          topics.get((String) input.get("to")).pipeInput(new TestRecord<>(input.get("key"), input.get("value"),
              RecordHeaders.of(Keys.Json.list(input.get("headers"))), (Long) input.get("at")));
        } catch (StreamsException e) {
          if (!full(e)) {
            throw e;
          }
          row("to", "stopped", null, i, 0, List.of());
          break;
        }
      }
      for (String sink : graph.sinks()) {
        outputs(driver, sink);
      }
      driver.getAllStateStores().forEach((name, store) -> {
        if (graph.tables().contains(name)) {
          rows(driver, name, store);
        }
      });
    }
  }

  /** Whether a suppress stopped because it is full. */
  private static boolean full(Throwable e) {
    return e != null && (String.valueOf(e.getMessage()).contains("buffer exceeded its max capacity") || full(e.getCause()));
  }

  private Properties settings() {
    var settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "oracle");
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "nowhere:1");
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Keys.class);
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Values.class);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, Boolean.TRUE.equals(request.get("cache")) ? 10_000_000L : 0);
    settings.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG, Stores.class);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("oracle.state"));
    settings.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 0L);
    settings.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_OUTER_JOIN_SPURIOUS_RESULTS_FIX, 0L);
    return settings;
  }

  private void outputs(TopologyTestDriver driver, String sink) {
    var topic = driver.createOutputTopic(sink, new Keys().deserializer(), new Values().deserializer());
    topic.readRecordsToList().forEach(r -> row("to", sink, r.key(), r.value(), r.timestamp(), RecordHeaders.json(r.headers())));
  }

  private void rows(TopologyTestDriver driver, String name, StateStore store) {
    if (store instanceof SessionStore<?, ?>) {
      SessionStore<Object, Object> sessions = driver.getSessionStore(name);
      try (KeyValueIterator<Windowed<Object>, Object> all = sessions.findSessions(null, null, 0, Long.MAX_VALUE)) {
        all.forEachRemaining(e -> row("store", name, e.key, e.value, e.key.window().end(), null));
      }
    } else if (store instanceof TimestampedWindowStore<?, ?>) {
      var windows = driver.<Object, Object>getTimestampedWindowStore(name);
      try (KeyValueIterator<Windowed<Object>, ValueAndTimestamp<Object>> all = windows.all()) {
        all.forEachRemaining(e -> stored(name, e.key, e.value));
      }
    } else if (store instanceof TimestampedKeyValueStore<?, ?>) {
      KeyValueStoreRows.of(driver, name).forEach(e -> stored(name, e.key, e.value));
    } else {
      throw new IllegalStateException("unknown store " + name + ": " + store.getClass());
    }
  }

  private void stored(String name, Object key, ValueAndTimestamp<Object> value) {
    row("store", name, key, value.value(), value.timestamp(), null);
  }

  private void row(String where, String name, Object key, Object value, long at, List<Object> headers) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put(where, name);
    row.put("key", key instanceof Windowed<?> w ? w.key() : key);
    row.put("value", value);
    row.put("at", at);
    row.put("window", key instanceof Windowed<?> w ? Arrays.asList(w.window().start(), w.window().end()) : null);
    if (headers != null) {
      row.put("headers", headers);
    }
    out.accept(row);
  }

  /** Entries of a key-value store as a list. */
  private static final class KeyValueStoreRows {
    static List<KeyValue<Object, ValueAndTimestamp<Object>>> of(TopologyTestDriver driver, String name) {
      List<KeyValue<Object, ValueAndTimestamp<Object>>> found = new java.util.ArrayList<>();
      try (var all = driver.<Object, Object>getTimestampedKeyValueStore(name).all()) {
        all.forEachRemaining(found::add);
      }
      return found;
    }
  }
}
