package penstock.oracle;

import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** Rows as JSON objects of value columns. */
public final class Values implements Serde<Object> {
  @Override
  public Serializer<Object> serializer() {
    return (topic, row) -> row == null ? null : Keys.Json.bytes(row);
  }

  @Override
  public Deserializer<Object> deserializer() {
    return (topic, bytes) -> bytes == null ? null : Keys.Json.read(bytes);
  }
}
