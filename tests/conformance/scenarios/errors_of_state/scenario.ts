/** What cannot be read or written now can be later: see spec.md. */

import { errors, Topology } from "@penstock/client";
import { all, type Facts, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const once = run.connect({ retry: { attempts: 1 } });
  const [orders, totals, producerId] = [run.name("orders"), run.name("totals"), run.name("p")];
  await client.createStream(orders, "k STRING KEY, n INT");
  await run.ask("hold_worker");
  const counts = new Topology(run.name("counts"));
  counts.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  await client.registerTopology(counts);
  const reading = await once.get(totals, "a").catch((thrown: unknown) => thrown);
  await run.ask("release_worker");
  const { position } = await client.append(orders, { k: "a", n: 1 });
  const row = await client.get(totals, "a", { atLeast: position, maxWaitMs: 20_000 });
  await run.ask("fail_log");
  const writing = await once.append(orders, { k: "a", n: 2 }, { producerId, sequence: 1 }).catch((thrown: unknown) => thrown);
  await run.ask("mend_log");
  const written = await client.append(orders, { k: "a", n: 2 }, { producerId, sequence: 1 });
  const rows = await all(client.subscribe(orders, { start: "earliest", until: "end" }));
  return {
    ...(reading instanceof errors.NotServingError ? { reading: reading.reason, task: "task" in reading.metadata, soon: (reading.retryAfterMs ?? 0) > 0 } : {}),
    read: row?.get("total"),
    ...(writing instanceof errors.LogUnavailableError ? { writing: writing.reason, later_ms: writing.retryAfterMs } : {}),
    written: written.appended,
    rows: rows.map((one) => one.get("n")).sort(),
  };
}
