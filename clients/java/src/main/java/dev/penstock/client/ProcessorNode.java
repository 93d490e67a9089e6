package dev.penstock.client;

import dev.penstock.v1.NamedSchema;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What the service tells of a remote processor. outputs and stores are by name; rows of both are key columns first. timerKeys: null where it has no
 * timers.
 */
public record ProcessorNode(
        String topology, String node, String processor, Map<String, String> config, RowSchema input, Map<String, RowSchema> outputs,
        Map<String, RowSchema> stores, RowSchema timerKeys) {

    static ProcessorNode of(dev.penstock.v1.ProcessorNode message) {
        return new ProcessorNode(
                message.getTopology(), message.getNode(), message.getProcessor(), message.getConfigMap(), RowSchema.of(message.getInput()),
                schemas(message.getOutputsList()), schemas(message.getStoresList()),
                message.hasTimerKeys() ? RowSchema.of(message.getTimerKeys()) : null);
    }

    private static Map<String, RowSchema> schemas(List<NamedSchema> messages) {
        Map<String, RowSchema> out = new LinkedHashMap<>();
        messages.forEach(named -> out.put(named.getName(), RowSchema.of(named.getSchema())));
        return out;
    }

    /** The places of the key columns in the input. */
    List<Integer> keys() {
        return IntStream.range(0, input.columns().size()).filter(i -> input.columns().get(i).role() == Column.Role.KEY).boxed().toList();
    }
}
