package dev.penstock.client;

import dev.penstock.v1.Node;
import dev.penstock.v1.Projection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An output of a node, by which the next one reads it: what streams and tables of a topology have in common. */
public abstract class Output {

    private static final Pattern ALIASED = Pattern.compile(
            "(.*\\S)\\s+AS\\s+(?:([A-Za-z_][A-Za-z0-9_@]*)|`((?:[^`]|``)+)`)\\s*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    final Topology topology;
    final NodeDraft node;
    final String port; // of a branch or processor, else empty

    Output(Topology topology, NodeDraft node, String port) {
        this.topology = topology;
        this.node = node;
        this.port = port;
    }

    /** One node; names are settled when the message is made. base: the name, with a number where it is not the first, if it is given none. */
    static final class NodeDraft {

        final Node.Builder message = Node.newBuilder();
        final String base;
        final List<Output> inputs;
        String name = "";

        NodeDraft(String base, List<Output> inputs) {
            this.base = base;
            this.inputs = inputs;
        }
    }

    final NodeDraft then(String base, Output... others) {
        List<Output> inputs = new ArrayList<>(List.of(this));
        inputs.addAll(Arrays.asList(others));
        return topology.add(base, inputs);
    }

    final NodeDraft filtered(String where, boolean negate) {
        NodeDraft added = then("filter");
        added.message.getFilterBuilder().setWhere(where).setNegate(negate);
        return added;
    }

    final NodeDraft selected(String... columns) {
        NodeDraft added = then("select");
        added.message.getSelectBuilder().addAllColumns(projections(columns));
        return added;
    }

    /** Writes to a topic and publishes it as a relation of this name. */
    public void to(String relation) {
        to(relation, new Sink());
    }

    /** As to(relation) with settings. */
    public void to(String relation, Sink sink) {
        NodeDraft added = then(relation.replace(".", "_") + "_sink");
        added.name = sink.name;
        added.message.setSink(sink.message.clone().setRelation(relation));
    }

    /**
     * Writes each row to the topic that an expression names. A binding says the formats; topics that are missing are made unless it has
     * mustExist(); without one they must exist.
     */
    public void toTopics(String expression, Sink sink) {
        NodeDraft added = then("topics_sink");
        added.name = sink.name;
        added.message.setSink(sink.message.clone().setTopicExpression(expression));
    }

    /** Groups by expressions, or by the present key without any. */
    public Grouped groupBy(String... keys) {
        NodeDraft added = then("group_by");
        added.message.getGroupByBuilder().addAllKeys(projections(keys));
        return new Grouped(topology, added, null);
    }

    /** Computed columns: expressions, or ones with {@code AS name} behind them. */
    static List<Projection> projections(String... columns) {
        return Arrays.stream(columns).map(text -> {
            Matcher match = ALIASED.matcher(text);
            if (!match.matches()) {
                return Projection.newBuilder().setExpression(text).build();
            }
            String alias = match.group(2) != null ? match.group(2) : match.group(3).replace("``", "`");
            return Projection.newBuilder().setExpression(match.group(1)).setAlias(alias).build();
        }).toList();
    }
}
