package penstock.oracle;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** Headers of records: as JSON, [[name, text]]; read into a column; written by a sink. */
final class RecordHeaders {
  private RecordHeaders() {}

  static Headers of(List<Object> given) {
    var made = new org.apache.kafka.common.header.internals.RecordHeaders();
    for (Object one : given) {
      List<Object> pair = Keys.Json.list(one);
      made.add((String) pair.get(0), ((String) pair.get(1)).getBytes(StandardCharsets.UTF_8));
    }
    return made;
  }

  static List<Object> json(Headers headers) {
    List<Object> found = new ArrayList<>();
    headers.forEach(h -> found.add(java.util.Arrays.asList(h.key(), h.value() == null ? null : new String(h.value(), StandardCharsets.UTF_8))));
    return found;
  }

  /** Columns that are the last header of a name, as text, beside the columns of the value. columns: column to header. */
  static KStream<Object, Object> read(KStream<Object, Object> stream, Map<String, String> columns) {
    return columns.isEmpty() ? stream : stream.processValues(() -> new Each(record -> {
      if (record.value() == null) {
        return record;
      }
      Map<String, Object> row = new LinkedHashMap<>(Keys.Json.object(record.value()));
      columns.forEach((column, header) -> {
        var last = record.headers().lastHeader(header);
        row.put(column, last == null || last.value() == null ? null : new String(last.value(), StandardCharsets.UTF_8));
      });
      return record.withValue(row);
    }));
  }

  /** What a sink adds and leaves out. */
  static KStream<Object, Object> written(Graph.Flow in, KStream<Object, Object> stream, Map<String, Object> sink) {
    boolean drops = Boolean.TRUE.equals(sink.get("dropHeaders"));
    Map<String, Function<Expression.Row, Object>> added = Graph.projections(Keys.Json.list(sink.get("headers")));
    return added.isEmpty() && !drops ? stream : stream.processValues(() -> new Each(record -> {
      var headers = new org.apache.kafka.common.header.internals.RecordHeaders();
      if (!drops) {
        record.headers().forEach(headers::add);
      }
      added.forEach((name, value) -> {
        Object text = value.apply(in.row(record.key(), record.value()));
        headers.add(name, text == null ? null : text.toString().getBytes(StandardCharsets.UTF_8));
      });
      return record.withHeaders(headers);
    }));
  }

  /** Makes of each record another one. */
  private static final class Each extends ContextualFixedKeyProcessor<Object, Object, Object> {
    private final Function<FixedKeyRecord<Object, Object>, FixedKeyRecord<Object, Object>> made;

    Each(Function<FixedKeyRecord<Object, Object>, FixedKeyRecord<Object, Object>> made) {
      this.made = made;
    }

    @Override
    public void process(FixedKeyRecord<Object, Object> record) {
      context().forward(made.apply(record));
    }
  }
}
