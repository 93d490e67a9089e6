/** An update says what becomes of each node, and needs leave for what is lost: see spec.md. */

import { Topology } from "@penstock/client";
import { cells, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals] = [run.name("orders"), run.name("totals")];
  await client.createStream(orders, "k STRING KEY, n INT");
  const definition = (sink: boolean, columns: Record<string, string>) => {
    const counts = new Topology(run.name("counts"));
    const table = counts.stream(orders).groupBy().aggregate(columns, { name: "sums" });
    if (sink) {
      table.to(totals);
    }
    return counts;
  };
  await client.registerTopology(definition(true, { total: "SUM(n)" }), { waitMs: 30_000 });
  const one = await client.append(orders, { k: "a", n: 5 });
  await client.get(totals, "a", { atLeast: one.position, maxWaitMs: 20_000 });
  const wider = definition(true, { total: "SUM(n)", many: "COUNT(*)" });
  const checked = await client.updateTopology(wider, { validateOnly: true });
  const without = definition(false, { total: "SUM(n)" });
  const dropped = await client.updateTopology(without, { validateOnly: true });
  const refused = await reason(() => client.updateTopology(without));
  const updated = await client.updateTopology(wider, { waitMs: 30_000 });
  const two = await client.append(orders, { k: "a", n: 2 });
  const row = await client.get(totals, "a", { atLeast: two.position, maxWaitMs: 20_000 });
  return {
    added_column: checked.changes.find(({ node }) => node === "sums")?.effect,
    dropped_needs_leave: dropped.changes.some(({ needsLeave }) => needsLeave),
    refused,
    version: String(updated.topology.version),
    row: row && cells(row),
  };
}
