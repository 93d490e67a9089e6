package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Restored;
import dev.penstock.client.Topology;
import dev.penstock.v1.Column;
import dev.penstock.v1.ColumnRole;
import dev.penstock.v1.Relation;
import dev.penstock.v1.RelationKind;
import dev.penstock.v1.Schema;
import dev.penstock.v1.TopicBinding;
import dev.penstock.v1.TopicSpec;
import dev.penstock.v1.Type;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** What is registered is saved, lost and brought back: see spec.md. */
final class RegistryBackup implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String name = run.name("counts");
        String extra = run.name("extra");
        Schema schema = Schema.newBuilder()
                .addColumns(Column.newBuilder().setName("k").setType(Type.newBuilder().setSql("STRING")).setRole(ColumnRole.COLUMN_ROLE_KEY))
                .addColumns(Column.newBuilder().setName("n").setType(Type.newBuilder().setSql("INT"))).build();
        var made = client.createRelation(Relation.newBuilder().setName(orders).setKind(RelationKind.RELATION_KIND_STREAM).setSchema(schema)
                .setTopic(TopicBinding.newBuilder().setCreate(TopicSpec.newBuilder().setPartitions(1))).build());
        Topology counts = new Topology(name);
        counts.stream(orders).groupBy().aggregate("SUM(n) AS total").to(run.name("totals"));
        client.registerTopology(counts, Duration.ofSeconds(30));
        byte[] backup = client.backupRegistry();
        client.createStream(extra, "k STRING KEY");
        String notEmpty = reason(() -> client.restoreRegistry(backup));
        Restored would = client.restoreRegistry(backup, o -> o.replace().validateOnly());
        client.deleteTopology(name);
        client.dropRelation(extra);
        client.dropRelation(orders);
        String damaged = reason(() -> client.restoreRegistry(Arrays.copyOf(backup, backup.length - 5)));
        Restored done = client.restoreRegistry(backup);
        List<String> back = client.relations().stream().map(dev.penstock.client.Relation::name).toList();
        boolean again = client.topology(name).name().equals(name);
        client.deleteTopology(name);
        client.dropRelation(orders, "", true);
        return facts(
                "kind", made.kind(), "not_empty", notEmpty, "would_forget", own(run, would.forgotten()), "would_position", would.position(), "damaged", damaged,
                "topologies", own(run, done.topologies()), "relations", own(run, done.relations()), "position", !done.position().isEmpty(),
                "back", own(run, back), "again", again);
    }

    private static List<String> own(Run run, List<String> names) {
        return names.stream().map(name -> name.substring(run.name("").length())).sorted().toList();
    }
}
