package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Binding;
import dev.penstock.client.Column;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Relation;
import java.util.List;
import java.util.Map;

/** Relations are declared, described, listed and dropped: see spec.md. */
final class DeclareAndDescribe implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String stock = run.name("stock");
        String columns = "k STRING KEY, n INT, price DECIMAL(10, 2)";
        Binding binding = new Binding().partitions(3);
        client.createStream(orders, columns, binding);
        Relation table = client.createTable(stock, "k STRING KEY, n BIGINT");
        String again = reason(() -> client.createStream(orders, columns, binding));
        Relation found = client.relation(orders);
        List<String> names = client.relations().stream().map(Relation::name).toList();
        int partitions = client.topics(false).stream().filter(topic -> topic.name().equals(orders)).findFirst().orElseThrow().partitions();
        client.dropRelation(stock);
        return facts(
                "kind", found.kind(),
                "columns", found.columns().stream().map(c -> List.of(c.name(), c.type().toString(), c.role().toString())).toList(), "again", again,
                "table_key", table.key().stream().map(Column::name).toList(), "listed", names.containsAll(List.of(orders, stock)),
                "topic_partitions", partitions, "dropped", reason(() -> client.relation(stock)));
    }
}
