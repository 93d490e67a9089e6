package dev.penstock.client;

import dev.penstock.v1.GlobalTable;
import dev.penstock.v1.Node;
import dev.penstock.v1.SourceStream;
import dev.penstock.v1.SourceTable;
import dev.penstock.v1.TopologySettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A dataflow under construction, in the manner of the Kafka Streams DSL. Each call on its streams and tables adds one node and gives a handle on its
 * output; nothing is checked before the service sees it.
 *
 * <p>Expressions are SQL text; where columns are computed, {@code price * 2 AS double_price} names one. Node names, by which state is kept across
 * changes of the topology, are made from the operator and its number among its kind; named() sets one.
 */
public final class Topology {

    private final dev.penstock.v1.Topology.Builder message = dev.penstock.v1.Topology.newBuilder();
    private final List<Output.NodeDraft> nodes = new ArrayList<>();

    /** Begins a topology. */
    public Topology(String name) {
        message.setName(name);
    }

    /** Its name. */
    public String name() {
        return message.getName();
    }

    /** Settings, by their message; those that are not set are the service's defaults. */
    public Topology settings(Consumer<TopologySettings.Builder> settings) {
        settings.accept(message.getSettingsBuilder());
        return this;
    }

    /** How often results are committed. */
    public Topology commitInterval(Duration interval) {
        return settings(s -> s.setCommitInterval(Times.message(interval)));
    }

    /** Labels it, for people and tools. */
    public Topology label(String name, String value) {
        message.putLabels(name, value);
        return this;
    }

    /** The definition so far; building may go on after it. */
    public dev.penstock.v1.Topology message() {
        dev.penstock.v1.Topology.Builder out = message.clone();
        Map<Output.NodeDraft, String> names = new IdentityHashMap<>();
        Map<String, Integer> numbers = new HashMap<>();
        for (Output.NodeDraft node : nodes) {
            String name = node.name;
            if (name.isEmpty()) {
                int number = numbers.merge(node.base, 1, Integer::sum);
                name = number == 1 ? node.base : node.base + "_" + number;
            }
            names.put(node, name);
            Node.Builder built = node.message.clone().setName(name);
            node.inputs.forEach(input -> built.addInputs(names.get(input.node) + (input.port.isEmpty() ? "" : "." + input.port)));
            out.addNodes(built);
        }
        return out.build();
    }

    Output.NodeDraft add(String base, List<Output> inputs) {
        Output.NodeDraft added = new Output.NodeDraft(base, inputs);
        nodes.add(added);
        return added;
    }

    /** Reads a stream of the catalog. */
    public TopologyStream stream(String relation) {
        return stream(Source.relation(relation));
    }

    /** Reads a stream. */
    public TopologyStream stream(Source source) {
        Output.NodeDraft added = add(source.base(), List.of());
        SourceStream.Builder stream = added.message.getSourceStreamBuilder().setOrigin(source.origin());
        source.time().ifPresent(stream::setTime);
        return new TopologyStream(this, added, "");
    }

    /** Reads a table of the catalog and materialises it. */
    public TopologyTable table(String relation) {
        return table(Source.relation(relation));
    }

    /** Reads a table and materialises it. */
    public TopologyTable table(Source source) {
        Output.NodeDraft added = add(source.base(), List.of());
        SourceTable.Builder table = added.message.getSourceTableBuilder().setOrigin(source.origin());
        source.time().ifPresent(table::setTime);
        source.history().ifPresent(history -> table.setHistory(Times.message(history)));
        return new TopologyTable(this, added);
    }

    /** Reads a whole table of the catalog in every worker, for joins by any column of a stream. */
    public TopologyGlobalTable globalTable(String relation) {
        return globalTable(Source.relation(relation));
    }

    /** Reads a whole table in every worker. */
    public TopologyGlobalTable globalTable(Source source) {
        Output.NodeDraft added = add(source.base(), List.of());
        GlobalTable.Builder table = added.message.getGlobalTableBuilder().setOrigin(source.origin());
        source.time().ifPresent(table::setTime);
        return new TopologyGlobalTable(this, added);
    }
}
