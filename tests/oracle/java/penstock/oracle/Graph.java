package penstock.oracle;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Aggregator;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.CogroupedKStream;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.GlobalKTable;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KGroupedTable;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.KeyValueMapper;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Predicate;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Reducer;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.ValueJoiner;
import org.apache.kafka.streams.kstream.ValueJoinerWithKey;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.KeyValueStore;

/** A Penstock topology (ProtoJSON) as a topology of the Kafka Streams DSL. Nodes are in an order in which inputs come first. */
final class Graph {
  /** What a node gives: KStream, KTable, KGroupedStream or KGroupedTable, with the names of key and value columns. */
  record Flow(Object made, List<String> keys, List<String> values) {
    @SuppressWarnings("unchecked")
    KStream<Object, Object> stream() {
      return (KStream<Object, Object>) made;
    }

    @SuppressWarnings("unchecked")
    KTable<Object, Object> table() {
      return (KTable<Object, Object>) made;
    }

    boolean isTable() {
      return made instanceof KTable;
    }

    /** All columns of a row; those of an absent value are null. */
    Map<String, Object> columns(Object key, Object value) {
      Map<String, Object> found = new HashMap<>();
      Object inner = key instanceof Windowed<?> w ? w.key() : key;
      List<Object> parts = Keys.Json.list(inner);
      for (int i = 0; i < keys.size(); i++) {
        found.put(keys.get(i), inner == null ? null : parts.get(i));
      }
      Map<String, Object> row = Keys.Json.object(value);
      values.forEach(name -> found.put(name, row.get(name)));
      if (key instanceof Windowed<?> w) {
        found.put("WINDOWSTART", w.window().start());
        found.put("WINDOWEND", w.window().end());
      }
      return found;
    }

    Expression.Row row(Object key, Object value) {
      Map<String, Object> found = columns(key, value);
      return name -> Expression.column(found, name);
    }
  }

  private final StreamsBuilder builder = new StreamsBuilder();
  private final Map<String, Map<String, Object>> relations = new HashMap<>();
  private final List<Object> nodes;
  private final Map<String, Flow> flows = new HashMap<>();
  private final Set<String> sources = new HashSet<>();
  private final Set<String> sinks = new LinkedHashSet<>();
  private final Set<String> tables = new HashSet<>();

  Graph(List<Object> relations, List<Object> nodes) {
    relations.forEach(r -> this.relations.put((String) Keys.Json.object(r).get("name"), Keys.Json.object(r)));
    this.nodes = nodes;
  }

  Set<String> sources() {
    return sources;
  }

  Set<String> sinks() {
    return sinks;
  }

  /** Nodes with a store of their name. */
  Set<String> tables() {
    return tables;
  }

  Topology build() {
    for (Object node : nodes) {
      add(Keys.Json.object(node));
    }
    return builder.build();
  }

  static String alias(Map<String, Object> projection) {
    String alias = (String) projection.get("alias");
    return alias == null || alias.isEmpty() ? ((String) projection.get("expression")).toUpperCase() : alias;
  }

  private void add(Map<String, Object> node) {
    String name = (String) node.get("name");
    String kind = node.keySet().stream().filter(k -> !k.equals("name") && !k.equals("inputs")).findFirst().orElseThrow();
    Map<String, Object> body = Keys.Json.object(node.get(kind));
    List<String> names = Keys.Json.list(node.get("inputs")).stream().map(i -> (String) i).toList();
    List<Flow> inputs = names.stream().map(flows::get).toList();
    Flow in = inputs.isEmpty() ? null : inputs.get(0);
    switch (kind) {
      case "sourceStream", "sourceTable" -> flows.put(name, source(name, body, kind.equals("sourceTable")));
      case "filter" -> flows.put(name, filter(in, body));
      case "select" -> flows.put(name, select(in, Keys.Json.list(body.get("columns"))));
      case "partitionBy" -> flows.put(name, partitionBy(in, Keys.Json.list(body.get("keys"))));
      case "groupBy" -> flows.put(name, groupBy(name, in, Keys.Json.list(body.get("keys"))));
      case "aggregate" -> flows.put(name, inputs.size() > 1 ? cogroup(name, inputs, body) : aggregate(name, in, body));
      case "explode" -> flows.put(name, explode(in, Keys.Json.list(body.get("columns"))));
      case "repartition" -> flows.put(name, new Flow(in.stream().repartition(repartitioned(name, body)), in.keys, in.values));
      case "deduplicate" -> flows.put(name, new Flow(in.stream().processValues(Deduplicate.of(in, body)), in.keys, in.values));
      case "peek" -> flows.put(name, new Flow(in.stream().peek((k, v) -> {}), in.keys, in.values));
      case "globalTable" -> flows.put(name, global(name, body));
      case "streamGlobalJoin" -> flows.put(name, streamGlobal(names, inputs, body));
      case "streamTableJoin" -> flows.put(name, streamTable(name, names, inputs, body));
      case "tableTableJoin" -> flows.put(name, tableTable(name, names, inputs, body));
      case "streamStreamJoin" -> flows.put(name, streamStream(name, names, inputs, body));
      case "merge" -> flows.put(name, new Flow(inputs.stream().map(Flow::stream).reduce(KStream::merge).orElseThrow(), in.keys, in.values));
      case "branch" -> branch(name, in, body);
      case "toTable" -> flows.put(name, new Flow(in.stream().toTable(stored(name, body)), in.keys, in.values));
      case "toStream" -> flows.put(name, new Flow(in.table().toStream(), in.keys, in.values));
      case "suppress" -> flows.put(name, new Flow(in.table().suppress(Windows.suppressed(body)), in.keys, in.values));
      case "processor" -> processor(name, in, body);
      case "sink" -> sink(name, in, body);
      default -> throw new IllegalArgumentException("no node for the oracle: " + kind);
    }
  }

  private Materialized<Object, Object, KeyValueStore<Bytes, byte[]>> stored(String name) {
    tables.add(name);
    return Materialized.<Object, Object, KeyValueStore<Bytes, byte[]>>as(name).withKeySerde(new Keys()).withValueSerde(new Values());
  }

  /** Of a table that may be versioned; such a store has no rows to list. */
  private Materialized<Object, Object, KeyValueStore<Bytes, byte[]>> stored(String name, Map<String, Object> body) {
    if (!body.containsKey("history")) {
      return stored(name);
    }
    var supplier = org.apache.kafka.streams.state.Stores.persistentVersionedKeyValueStore(name, Windows.duration(body, "history", Duration.ZERO));
    return Materialized.<Object, Object>as(supplier).withKeySerde(new Keys()).withValueSerde(new Values());
  }

  private String relation(Map<String, Object> body) {
    String relation = (String) Keys.Json.object(body.get("origin")).get("relation");
    sources.add(relation);
    return relation;
  }

  /** The time of a relation's rows: a column's, where it names one and there is a value. */
  private TimestampExtractor time(String relation) {
    String column = (String) Keys.Json.object(relations.get(relation).get("topic")).get("timestampColumn");
    return (record, partitionTime) -> column == null || record.value() == null ? record.timestamp()
        : (Long) Keys.Json.object(record.value()).get(column);
  }

  /** Columns that are headers. */
  private Map<String, String> headers(String relation) {
    Map<String, String> found = new LinkedHashMap<>();
    for (Object column : Keys.Json.list(Keys.Json.object(relations.get(relation).get("schema")).get("columns"))) {
      Map<String, Object> c = Keys.Json.object(column);
      if ("COLUMN_ROLE_HEADER".equals(c.get("role"))) {
        found.put((String) c.get("name"), (String) c.get("header"));
      }
    }
    return found;
  }

  /** Names of key and value columns, and those of headers, which are as values here. */
  private List<List<String>> declared(String relation) {
    List<String> keys = new ArrayList<>();
    List<String> values = new ArrayList<>();
    for (Object column : Keys.Json.list(Keys.Json.object(relations.get(relation).get("schema")).get("columns"))) {
      Map<String, Object> c = Keys.Json.object(column);
      ("COLUMN_ROLE_KEY".equals(c.get("role")) ? keys : values).add((String) c.get("name"));
    }
    return List.of(keys, values);
  }

  private Flow global(String name, Map<String, Object> body) {
    String relation = relation(body);
    var columns = declared(relation);
    var made = builder.globalTable(relation, Consumed.with(new Keys(), new Values()), stored(name));
    return new Flow(made, columns.get(0), columns.get(1));
  }

  @SuppressWarnings("unchecked")
  private Flow streamGlobal(List<String> names, List<Flow> inputs, Map<String, Object> body) {
    var columns = joined(names, inputs, Keys.Json.list(body.get("columns")));
    var left = inputs.get(0);
    var right = (GlobalKTable<Object, Object>) inputs.get(1).made;
    List<Function<Expression.Row, Object>> keys = new ArrayList<>();
    Keys.Json.list(body.get("keys")).forEach(k -> keys.add(Expression.parse((String) k)));
    KeyValueMapper<Object, Object, Object> mapped = (k, v) -> {
      if (keys.isEmpty()) {
        return k;
      }
      List<Object> made = new ArrayList<>();
      keys.forEach(key -> made.add(key.apply(left.row(k, v))));
      return made.contains(null) ? null : made;
    };
    ValueJoinerWithKey<Object, Object, Object, Object> joiner = (k, l, r) -> project(columns, both(names, inputs, k, l, r));
    var made = "JOIN_KIND_LEFT".equals(body.get("kind")) ? left.stream().leftJoin(right, mapped, joiner)
        : left.stream().join(right, mapped, joiner);
    return new Flow(made, left.keys, List.copyOf(columns.keySet()));
  }

  private static Repartitioned<Object, Object> repartitioned(String name, Map<String, Object> body) {
    var made = Repartitioned.<Object, Object>as(name).withKeySerde(new Keys()).withValueSerde(new Values());
    Object partitions = body.get("partitions");
    return partitions == null ? made : made.withNumberOfPartitions(((Long) partitions).intValue());
  }

  private Flow source(String name, Map<String, Object> body, boolean table) {
    Map<String, Object> several = Keys.Json.object(Keys.Json.object(body.get("origin")).getOrDefault("topics", Map.of()));
    if (!several.isEmpty()) {
      return several(several);
    }
    String relation = relation(body);
    var columns = declared(relation);
    List<String> keys = columns.get(0);
    List<String> values = columns.get(1);
    var consumed = Consumed.with(new Keys(), new Values()).withTimestampExtractor(time(relation));
    return new Flow(table ? builder.table(relation, consumed, stored(name, body))
        : RecordHeaders.read(builder.stream(relation, consumed), headers(relation)), keys, values);
  }

  /** Several topics as one stream, by their names or by a pattern. */
  private Flow several(Map<String, Object> given) {
    String pattern = (String) given.get("pattern");
    List<String> topics = pattern == null ? Keys.Json.list(given.get("relations")).stream().map(t -> (String) t).toList()
        : relations.keySet().stream().filter(t -> t.matches(pattern)).sorted().toList();
    sources.addAll(topics);
    var consumed = Consumed.with(new Keys(), new Values());
    var columns = declared(topics.get(0));
    var made = pattern == null ? builder.stream(topics, consumed) : builder.stream(java.util.regex.Pattern.compile(pattern), consumed);
    return new Flow(made, columns.get(0), columns.get(1));
  }

  /** A stream's null value matches nothing; Kafka Streams does not ask about a table's. */
  private Flow filter(Flow in, Map<String, Object> body) {
    var where = Expression.parse((String) body.get("where"));
    Predicate<Object, Object> keeps = (k, v) -> v != null && Boolean.TRUE.equals(where.apply(in.row(k, v)));
    boolean negate = Boolean.TRUE.equals(body.get("negate"));
    Object made = in.isTable() ? (negate ? in.table().filterNot(keeps) : in.table().filter(keeps))
        : (negate ? in.stream().filterNot(keeps) : in.stream().filter(keeps));
    return new Flow(made, in.keys, in.values);
  }

  private Flow select(Flow in, List<Object> columns) {
    var projections = projections(columns);
    Object made = in.isTable() ? in.table().mapValues((k, v) -> v == null ? null : project(projections, in.row(k, v)))
        : in.stream().mapValues((k, v) -> v == null ? null : project(projections, in.row(k, v)));
    return new Flow(made, in.keys, List.copyOf(projections.keySet()));
  }

  static Map<String, Function<Expression.Row, Object>> projections(List<Object> columns) {
    Map<String, Function<Expression.Row, Object>> found = new LinkedHashMap<>();
    columns.forEach(c -> found.put(alias(Keys.Json.object(c)), Expression.parse((String) Keys.Json.object(c).get("expression"))));
    return found;
  }

  private static Object project(Map<String, Function<Expression.Row, Object>> projections, Expression.Row row) {
    Map<String, Object> made = new LinkedHashMap<>();
    projections.forEach((name, expression) -> made.put(name, expression.apply(row)));
    return made;
  }

  /** New key columns; a null in them makes a null key. */
  private static Object key(Map<String, Function<Expression.Row, Object>> keys, Expression.Row row) {
    List<Object> made = new ArrayList<>();
    keys.values().forEach(k -> made.add(k.apply(row)));
    return made.contains(null) ? null : made;
  }

  /** Value columns behind a new key: the present ones, then the old key's, but for those that are named as the new key's. */
  private static List<String> rest(Flow in, Set<String> keys) {
    List<String> all = new ArrayList<>(in.values);
    all.addAll(in.keys);
    all.removeAll(keys);
    return all;
  }

  private static Object kept(Flow in, List<String> values, Object key, Object value) {
    if (value == null) {
      return null;
    }
    Map<String, Object> all = in.columns(key, value);
    Map<String, Object> made = new LinkedHashMap<>();
    values.forEach(name -> made.put(name, all.get(name)));
    return made;
  }

  private Flow partitionBy(Flow in, List<Object> columns) {
    var keys = projections(columns);
    List<String> values = rest(in, keys.keySet());
    var made = in.stream().map((k, v) -> KeyValue.pair(key(keys, in.row(k, v)), kept(in, values, k, v)));
    return new Flow(made, List.copyOf(keys.keySet()), values);
  }

  /** A group of exactly the present key is no new key. */
  private static boolean sameKey(Flow in, List<Object> columns) {
    return columns.stream().map(c -> Keys.Json.object(c)).map(c -> alias(c).equals(c.get("expression")) ? alias(c) : "").toList().equals(in.keys);
  }

  /** A stream's record without a value has no new group; a group of exactly the present key is no new one. */
  private Flow groupBy(String name, Flow in, List<Object> columns) {
    Grouped<Object, Object> grouped = Grouped.with(name, new Keys(), new Values());
    if (columns.isEmpty()) {
      return new Flow(in.isTable() ? in.table().groupBy(KeyValue::pair, grouped) : in.stream().groupByKey(grouped), in.keys, in.values);
    }
    var keys = projections(columns);
    boolean same = sameKey(in, columns);
    List<String> values = rest(in, keys.keySet());
    KeyValueMapper<Object, Object, KeyValue<Object, Object>> map = (k, v) -> KeyValue.pair(
        v == null && !(same && k instanceof List) ? null : key(keys, in.row(k, v)), kept(in, values, k, v));
    Object made = in.isTable() ? in.table().groupBy(map, grouped) : in.stream().map(map).groupByKey(grouped);
    return new Flow(made, List.copyOf(keys.keySet()), values);
  }

  @SuppressWarnings("unchecked")
  private Flow aggregate(String name, Flow in, Map<String, Object> body) {
    var fold = fold(body);
    KTable<Object, Object> made;
    if (fold.accumulators.reduces() && fold.names().equals(in.values) && body.get("window") == null) {
      made = reduce(name, in, fold);
    } else if (in.made instanceof KGroupedTable<?, ?> grouped) {
      made = ((KGroupedTable<Object, Object>) grouped).aggregate(fold::initial, (k, v, s) -> fold.add(in.row(k, v), s),
          (k, v, s) -> fold.undo(in.row(k, v), s), stored(name));
    } else if (body.get("window") == null) {
      made = ((KGroupedStream<Object, Object>) in.made).aggregate(fold::initial, (k, v, s) -> fold.add(in.row(k, v), s), stored(name));
    } else {
      tables.add(name);
      made = (KTable<Object, Object>) (KTable<?, ?>) Windows.aggregate(name, (KGroupedStream<Object, Object>) in.made, in, fold,
          Keys.Json.object(body.get("window")), "EMIT_FINAL".equals(body.get("emit")));
    }
    return new Flow(made, in.keys, fold.names());
  }

  private static Fold fold(Map<String, Object> body) {
    return new Fold(Keys.Json.list(body.get("columns")), Keys.Json.list(body.get("accumulators")));
  }

  /** The DSL's own, where all columns of the input are reduced. A reducer knows no key. */
  @SuppressWarnings("unchecked")
  private KTable<Object, Object> reduce(String name, Flow in, Fold fold) {
    Reducer<Object> add = (state, row) -> fold.add(in.row(null, row), state);
    Reducer<Object> undo = (state, row) -> fold.undo(in.row(null, row), state);
    return in.made instanceof KGroupedTable<?, ?> grouped ? ((KGroupedTable<Object, Object>) grouped).reduce(add, undo, stored(name))
        : ((KGroupedStream<Object, Object>) in.made).reduce(add, stored(name));
  }

  @SuppressWarnings("unchecked")
  private Flow cogroup(String name, List<Flow> inputs, Map<String, Object> body) {
    var fold = fold(body);
    CogroupedKStream<Object, Object> cogrouped = null;
    for (int i = 0; i < inputs.size(); i++) {
      int number = i;
      Flow in = inputs.get(i);
      var grouped = (KGroupedStream<Object, Object>) in.made;
      Aggregator<Object, Object, Object> add = (k, v, s) -> fold.add(number, in.row(k, v), s);
      cogrouped = cogrouped == null ? grouped.cogroup(add) : cogrouped.cogroup(grouped, add);
    }
    tables.add(name);
    KTable<Object, Object> made = body.get("window") == null ? cogrouped.aggregate(fold::initial, stored(name))
        : (KTable<Object, Object>) (KTable<?, ?>) Windows.cogroup(name, cogrouped, fold, Keys.Json.object(body.get("window")));
    return new Flow(made, inputs.get(0).keys, fold.names());
  }

  /** Arrays are zipped, the shorter padded with null; a record without a value has no elements. */
  private Flow explode(Flow in, List<Object> columns) {
    Map<String, Function<Expression.Row, Object>> all = new LinkedHashMap<>();
    Set<String> arrays = new HashSet<>();
    for (Object column : columns) {
      Map<String, Object> one = Keys.Json.object(column);
      String text = (String) one.get("expression");
      boolean array = text.startsWith("EXPLODE(");
      all.put(alias(one), Expression.parse(array ? text.substring(8, text.length() - 1) : text));
      if (array) {
        arrays.add(alias(one));
      }
    }
    var made = in.stream().flatMapValues((k, v) -> {
      List<Object> rows = new ArrayList<>();
      if (v == null) {
        return rows;
      }
      Map<String, Object> values = Keys.Json.object(project(all, in.row(k, v)));
      int length = arrays.stream().mapToInt(a -> Keys.Json.list(values.get(a)).size()).max().orElse(0);
      for (int i = 0; i < length; i++) {
        Map<String, Object> row = new LinkedHashMap<>(values);
        for (String a : arrays) {
          List<Object> elements = Keys.Json.list(values.get(a));
          row.put(a, i < elements.size() ? elements.get(i) : null);
        }
        rows.add(row);
      }
      return rows;
    });
    return new Flow(made, in.keys, List.copyOf(all.keySet()));
  }

  /** Columns of two rows by name, and as `input.column`. */
  private static Expression.Row both(List<String> names, List<Flow> inputs, Object key, Object left, Object right) {
    Map<String, Object> found = new HashMap<>();
    Object[] values = {left, right};
    for (int i = 1; i >= 0; i--) {
      String prefix = names.get(i).substring(names.get(i).lastIndexOf('.') + 1);
      // an absent row has no key either
      for (var column : inputs.get(i).columns(key, values[i]).entrySet()) {
        found.put(column.getKey(), column.getValue());
        found.put(prefix + "." + column.getKey(), column.getValue());
      }
    }
    return name -> Expression.column(found, name);
  }

  /** Without columns all value columns of both, as INPUT_COLUMN. */
  private static Map<String, Function<Expression.Row, Object>> joined(List<String> names, List<Flow> inputs, List<Object> columns) {
    Map<String, Function<Expression.Row, Object>> found = projections(columns);
    for (int i = 0; columns.isEmpty() && i < 2; i++) {
      String prefix = names.get(i).substring(names.get(i).lastIndexOf('.') + 1);
      inputs.get(i).values.forEach(c -> found.put(prefix + "_" + c, row -> row.apply(prefix + "." + c)));
    }
    return found;
  }

  private Flow streamTable(String name, List<String> names, List<Flow> inputs, Map<String, Object> body) {
    var columns = joined(names, inputs, Keys.Json.list(body.get("columns")));
    ValueJoinerWithKey<Object, Object, Object, Object> joiner =
        (k, l, r) -> project(columns, both(names, inputs, k, l, r));
    var left = inputs.get(0).stream();
    var right = inputs.get(1).table();
    var with = Joined.<Object, Object, Object>with(new Keys(), new Values(), new Values(), name);
    if (body.containsKey("grace")) {
      with = with.withGracePeriod(Windows.duration(body, "grace", Duration.ZERO));
    }
    var made = "JOIN_KIND_LEFT".equals(body.get("kind")) ? left.leftJoin(right, joiner, with) : left.join(right, joiner, with);
    return new Flow(made, inputs.get(0).keys, List.copyOf(columns.keySet()));
  }

  /** A joiner that knows no key: columns of the key are not used. */
  private static ValueJoiner<Object, Object, Object> joiner(List<String> names, List<Flow> inputs,
      Map<String, Function<Expression.Row, Object>> columns) {
    return (l, r) -> project(columns, both(names, inputs, null, l, r));
  }

  private Flow tableTable(String name, List<String> names, List<Flow> inputs, Map<String, Object> body) {
    var columns = joined(names, inputs, Keys.Json.list(body.get("columns")));
    var joiner = joiner(names, inputs, columns);
    var left = inputs.get(0).table();
    var right = inputs.get(1).table();
    String kind = (String) body.getOrDefault("kind", "JOIN_KIND_INNER");
    String foreign = (String) body.getOrDefault("foreignKey", "");
    KTable<Object, Object> made;
    if (!foreign.isEmpty()) {
      var expression = Expression.parse(foreign);
      BiFunction<Object, Object, Object> extract = (k, v) -> {
        Object found = expression.apply(both(names, inputs, k, v, null));
        return found == null ? null : List.of(found);
      };
      made = kind.equals("JOIN_KIND_LEFT") ? left.leftJoin(right, extract, joiner, stored(name)) : left.join(right, extract, joiner, stored(name));
    } else {
      made = switch (kind) {
        case "JOIN_KIND_LEFT" -> left.leftJoin(right, joiner, stored(name));
        case "JOIN_KIND_RIGHT" -> right.leftJoin(left, (r, l) -> joiner.apply(l, r), stored(name));
        case "JOIN_KIND_FULL" -> left.outerJoin(right, joiner, stored(name));
        default -> left.join(right, joiner, stored(name));
      };
    }
    return new Flow(made, inputs.get(0).keys, List.copyOf(columns.keySet()));
  }

  private Flow streamStream(String name, List<String> names, List<Flow> inputs, Map<String, Object> body) {
    var columns = joined(names, inputs, Keys.Json.list(body.get("columns")));
    var joiner = joiner(names, inputs, columns);
    var left = inputs.get(0).stream();
    var right = inputs.get(1).stream();
    Duration before = Windows.duration(body, "before", Duration.ZERO);
    Duration after = Windows.duration(body, "after", Duration.ZERO);
    var with = StreamJoined.with(new Keys(), new Values(), new Values()).withName(name);
    KStream<Object, Object> made = switch ((String) body.getOrDefault("kind", "JOIN_KIND_INNER")) {
      case "JOIN_KIND_LEFT" -> left.leftJoin(right, joiner, Windows.join(body, before, after), with);
      case "JOIN_KIND_RIGHT" -> right.leftJoin(left, (r, l) -> joiner.apply(l, r), Windows.join(body, after, before), with);
      case "JOIN_KIND_FULL" -> left.outerJoin(right, joiner, Windows.join(body, before, after), with);
      default -> left.join(right, joiner, Windows.join(body, before, after), with);
    };
    return new Flow(made, inputs.get(0).keys, List.copyOf(columns.keySet()));
  }

  private void branch(String name, Flow in, Map<String, Object> body) {
    var split = in.stream().split(Named.as(name + "-"));
    for (Object given : Keys.Json.list(body.get("outputs"))) {
      Map<String, Object> output = Keys.Json.object(given);
      var where = Expression.parse((String) output.get("where"));
      split.branch((k, v) -> v != null && Boolean.TRUE.equals(where.apply(in.row(k, v))), Branched.as((String) output.get("name")));
    }
    String rest = (String) body.getOrDefault("defaultOutput", "");
    var made = rest.isEmpty() ? split.noDefaultBranch() : split.defaultBranch(Branched.as(rest));
    made.forEach((output, stream) -> flows.put(name + "." + output.substring(name.length() + 1), new Flow(stream, in.keys, in.values)));
  }

  /** Its outputs are children of their names. */
  private void processor(String name, Flow in, Map<String, Object> body) {
    tables.addAll(Watch.stores(name));
    KStream<Object, Object> made = in.stream().process(Watch.of(name, Keys.Json.object(body.get("config"))), Named.as(name));
    Map.of("counts", List.of("K", "N", "W", "V"), "told", List.of("N", "K", "AT")).forEach((output, columns) -> flows.put(name + "." + output,
        new Flow(made.filter((k, v) -> true, Named.as(name + "-" + output)), columns.subList(0, 1), columns.subList(1, columns.size()))));
  }

  private void sink(String name, Flow in, Map<String, Object> body) {
    String route = (String) body.getOrDefault("topicExpression", "");
    if (!route.isEmpty()) {
      var named = Expression.parse(route);
      sinks.addAll(List.of("a", "b", "x"));
      in.stream().to((k, v, context) -> (String) named.apply(in.row(k, v)), Produced.with(new Keys(), new Values()));
      return;
    }
    String topic = (String) body.getOrDefault("relation", name);
    sinks.add(topic);
    RecordHeaders.written(in, in.isTable() ? in.table().toStream() : in.stream(), body).to(topic, Produced.with(new Keys(), new Values()));
  }
}
