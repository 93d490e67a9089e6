package penstock.oracle;

import java.util.Map;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.state.DslKeyValueParams;
import org.apache.kafka.streams.state.DslSessionParams;
import org.apache.kafka.streams.state.DslStoreSuppliers;
import org.apache.kafka.streams.state.DslWindowParams;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.SessionBytesStoreSupplier;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;

/**
 * Stores in memory, which are fast, but for sessions that leave when they are final: there the order is that of the store's scan, and only
 * RocksDB, the default of Kafka Streams, scans by (end, start, key); the store in memory scans by (end, key, start).
 */
public final class Stores implements DslStoreSuppliers {
  private final DslStoreSuppliers memory = new BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers();
  private final DslStoreSuppliers rocks = new BuiltInDslStoreSuppliers.RocksDBDslStoreSuppliers();

  @Override
  public void configure(Map<String, ?> settings) {
    memory.configure(settings);
    rocks.configure(settings);
  }

  @Override
  public KeyValueBytesStoreSupplier keyValueStore(DslKeyValueParams wanted) {
    return memory.keyValueStore(wanted);
  }

  @Override
  public WindowBytesStoreSupplier windowStore(DslWindowParams wanted) {
    return memory.windowStore(wanted);
  }

  @Override
  public SessionBytesStoreSupplier sessionStore(DslSessionParams wanted) {
    boolean last = wanted.emitStrategy().type() == EmitStrategy.StrategyType.ON_WINDOW_CLOSE;
    return (last ? rocks : memory).sessionStore(wanted);
  }
}
