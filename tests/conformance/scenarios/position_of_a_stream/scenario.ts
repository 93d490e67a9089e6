/** The position of a stream of appends includes every batch of it: see spec.md. */

import { Topology } from "@penstock/client";
import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals] = [run.name("orders"), run.name("totals")];
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 4 });
  const counts = new Topology(run.name("counts"));
  counts.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  await client.registerTopology(counts, { waitMs: 30_000 });
  await run.ask("hold_worker");
  const keys = Array.from({ length: 10 }, (_, n) => `k${n}`);
  const appender = await client.appender(orders);
  for (const k of keys) {
    await appender.append({ k, n: 1 });
  }
  await appender.flush();
  await run.ask("cut");
  await appender.append({ k: "k0", n: 1 });
  const atLeast = await appender.flush();
  await appender.close();
  const held = new Set<string>();
  for (const k of keys) {
    held.add(await reason(() => client.get(totals, k, { atLeast, maxWaitMs: 100 })));
  }
  await run.ask("release_worker");
  let sum = 0;
  for (const k of keys) {
    sum += Number((await client.get(totals, k, { atLeast, maxWaitMs: 20_000 }))?.get("total"));
  }
  return { held: [...held].sort(), then: sum };
}
