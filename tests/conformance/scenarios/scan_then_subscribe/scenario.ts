/** What follows a scan is subscribed to without a gap: see spec.md. */

import { Topology } from "@penstock/client";
import { all, type Facts, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals] = [run.name("orders"), run.name("totals")];
  await client.createStream(orders, "k STRING KEY, n INT");
  const counts = new Topology(run.name("counts"));
  counts.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  await client.registerTopology(counts, { waitMs: 30_000 });
  const { position } = await client.append(orders, [{ k: "a", n: 1 }, { k: "b", n: 1 }]);
  const scan = client.scan(totals, { atLeast: position, maxWaitMs: 20_000 });
  const scanned = Object.fromEntries((await all(scan)).map((row) => [row.get("k"), row.get("total")]));
  await client.append(orders, [{ k: "a", n: 1 }, { k: "c", n: 1 }]);
  const after: Facts = {};
  for await (const row of client.subscribe(totals, { start: scan.position })) {
    after[row.get("k")] = row.get("total");
    if ("a" in after && "c" in after) {
      break;
    }
  }
  return { scanned, after, unchanged_came: "b" in after };
}
