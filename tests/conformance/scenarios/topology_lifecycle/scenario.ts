/** A topology is registered, paused, reset, resumed and deleted: see spec.md. */

import { Topology } from "@penstock/client";
import { type Facts, plain, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals] = [run.name("orders"), run.name("totals")];
  await client.createStream(orders, "k STRING KEY, n INT");
  const counts = new Topology(run.name("counts"));
  counts.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  const registered = await client.registerTopology(counts, { waitMs: 30_000 });
  const again = await reason(() => client.registerTopology(counts));
  const one = await client.append(orders, { k: "a", n: 1 });
  await client.get(totals, "a", { atLeast: one.position, maxWaitMs: 20_000 });
  const { state: paused } = await client.pauseTopology(counts.name);
  const two = await client.append(orders, { k: "a", n: 2 });
  const whilePaused = await client.get(totals, "a");
  const reset = await client.resetTopology(counts.name);
  await client.resumeTopology(counts.name);
  const after = await client.get(totals, "a", { atLeast: two.position, maxWaitMs: 20_000 });
  const listed = (await client.topologies()).some(({ name }) => name === counts.name);
  await client.deleteTopology(counts.name);
  return {
    registered: registered.state,
    again,
    listed,
    publishes: registered.relations.includes(totals),
    paused,
    while_paused: String(plain(whilePaused?.get("total"))),
    version: String(reset.version),
    after_reset: String(plain(after?.get("total"))),
    deleted: await reason(() => client.topology(counts.name)),
    relation: await reason(() => client.get(totals, "a")),
  };
}
