/** What is registered is saved, lost and brought back: see spec.md. */

import { Topology } from "@penstock/client";
import { RelationKind } from "@penstock/client/gen/relation_pb";
import { ColumnRole } from "@penstock/client/gen/types_pb";
import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals, name, extra] = [run.name("orders"), run.name("totals"), run.name("counts"), run.name("extra")];
  const columns = [
    { name: "k", type: { sql: "STRING" }, role: ColumnRole.KEY },
    { name: "n", type: { sql: "INT" } },
  ];
  const made = await client.createRelation({ name: orders, kind: RelationKind.STREAM, schema: { columns }, topic: { create: { partitions: 1 } } });
  const counts = new Topology(name);
  counts.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  await client.registerTopology(counts, { waitMs: 30_000 });
  const backup = await client.backupRegistry();
  await client.createStream(extra, "k STRING KEY");
  const notEmpty = await reason(() => client.restoreRegistry(backup));
  const would = await client.restoreRegistry(backup, { replace: true, validateOnly: true });
  await client.deleteTopology(name);
  await client.dropRelation(extra);
  await client.dropRelation(orders);
  const damaged = await reason(() => client.restoreRegistry(backup.subarray(0, -5)));
  const done = await client.restoreRegistry(backup);
  const back = (await client.relations()).map((one) => one.name).sort();
  const again = (await client.topology(name)).name === name;
  await client.deleteTopology(name);
  await client.dropRelation(orders, { deleteTopic: true });
  const own = (names: readonly string[]) => names.map((one) => one.slice(run.name("").length)).sort();
  return {
    kind: made.kind,
    not_empty: notEmpty,
    would_forget: own(would.forgotten),
    would_position: would.position,
    damaged,
    topologies: own(done.topologies),
    relations: own(done.relations),
    position: done.position !== "",
    back: own(back),
    again,
  };
}
