package penstock.oracle;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** What the DSL lacks, said as plainly as can be: it keeps all times that passed, and asks each whether it is near. */
final class Deduplicate extends ContextualFixedKeyProcessor<Object, Object, Object> {
  private final Graph.Flow in;
  private final List<Function<Expression.Row, Object>> ids;
  private final long within;
  private final long grace;
  private final Map<List<Object>, List<Long>> passed = new HashMap<>();
  private long streamTime = -1;

  private Deduplicate(Graph.Flow in, Map<String, Object> body) {
    this.in = in;
    ids = Keys.Json.list(body.get("ids")).stream().map(id -> Expression.parse((String) id)).toList();
    Duration length = Windows.duration(body, "within", Duration.ZERO);
    within = length.toMillis();
    grace = Windows.grace(body, length).toMillis();
  }

  static FixedKeyProcessorSupplier<Object, Object, Object> of(Graph.Flow in, Map<String, Object> body) {
    return () -> (FixedKeyProcessor<Object, Object, Object>) new Deduplicate(in, body);
  }

  @Override
  public void process(FixedKeyRecord<Object, Object> record) {
    List<Object> id = new ArrayList<>();
    id.add(record.key());
    ids.forEach(one -> id.add(one.apply(in.row(record.key(), record.value()))));
    if (id.contains(null)) {
      context().forward(record);
      return;
    }
    streamTime = Math.max(streamTime, record.timestamp());
    List<Long> times = passed.computeIfAbsent(id, key -> new ArrayList<>());
    if (record.timestamp() >= streamTime - grace && times.stream().noneMatch(t -> Math.abs(t - record.timestamp()) <= within)) {
      times.add(record.timestamp());
      context().forward(record);
    }
  }
}
