/** A row that stops matching arrives as deleted: see spec.md. */

import { Topology } from "@penstock/client";
import type { Facts, Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals] = [run.name("orders"), run.name("totals")];
  await client.createStream(orders, "k STRING KEY, n INT");
  const counts = new Topology(run.name("counts"));
  counts.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  await client.registerTopology(counts, { waitMs: 30_000 });
  const { position } = await client.append(orders, { k: "a", n: 10 });
  await client.get(totals, "a", { atLeast: position, maxWaitMs: 20_000 });
  const rows: unknown[] = [];
  let columns: readonly string[] = [];
  const watch = client.subscribe(totals, { where: "total > :least", parameters: { least: 5 }, columns: ["total"] });
  for await (const event of watch.events()) {
    if (event.type === "caughtUp") {
      await client.append(orders, { k: "a", n: -8 });
    }
    if (event.type === "batch") {
      columns = event.schema.names;
      rows.push(...[...event].map((row) => [row.get("k"), row.get("total"), row.deleted]));
      if (rows.length === 2) {
        await client.append(orders, { k: "b", n: 6 });
      }
    }
    if (rows.length === 3) {
      break;
    }
  }
  return { rows, columns };
}
