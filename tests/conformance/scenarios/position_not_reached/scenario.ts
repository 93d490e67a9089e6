/** A wait for a position ends in time: see spec.md. */

import { Topology } from "@penstock/client";
import { type Facts, plain, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals] = [run.name("orders"), run.name("totals")];
  await client.createStream(orders, "k STRING KEY, n INT");
  const counts = new Topology(run.name("counts"));
  counts.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  await client.registerTopology(counts, { waitMs: 30_000 });
  await run.ask("hold_worker");
  const { position } = await client.append(orders, { k: "a", n: 1 });
  const began = performance.now();
  const why = await reason(() => client.get(totals, "a", { atLeast: position, maxWaitMs: 300 }));
  const inTime = performance.now() - began < 10_000;
  await run.ask("release_worker");
  const row = await client.get(totals, "a", { atLeast: position, maxWaitMs: 20_000 });
  return { reason: why, in_time: inTime, then: String(plain(row?.get("total"))) };
}
