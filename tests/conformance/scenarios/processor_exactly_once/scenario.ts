/** A remote processor counts each row once, whoever is killed: see spec.md. */

import { type RowHandler, Topology, Worker } from "@penstock/client";
import type { Facts, Run } from "../../drivers/typescript/support.js";

const total: RowHandler = (row, context) => {
  const n = row.get("n") as bigint;
  const now = n + ((context.state("totals")?.["total"] as bigint | undefined) ?? 0n);
  context.put("totals", { total: now });
  context.send("sums", { n, total: now });
};

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [payments, out, processor] = [run.name("payments"), run.name("out"), run.name("total")];
  await client.createStream(payments, "k STRING KEY, n BIGINT", { partitions: 2 });
  const sums = new Topology(run.name("sums"));
  const outputs = { sums: "k STRING KEY, n BIGINT, total BIGINT" };
  const stores = { totals: "total BIGINT" };
  sums.stream(payments).processRemotely(processor, outputs, { stores, keepsKey: true, name: "sum" }).output("sums").to(out);
  await client.registerTopology(sums, { waitMs: 30_000 });
  let worker = new Worker(run.address, { [processor]: total });
  let serving = worker.run();
  const appender = await client.appender(payments, { producerId: run.name("till") });
  for (let batch = 0; batch < 20; batch++) {
    await appender.append(Array.from({ length: 50 }, (_, i) => ({ k: `k${(50 * batch + i) % 7}`, n: 50 * batch + i })));
    if (batch === 4) {
      await run.ask("kill_gateway");
    } else if (batch === 9) {
      await run.ask("kill_worker");
    } else if (batch === 14) {
      await worker.close();
      await serving;
      worker = new Worker(run.address, { [processor]: total });
      serving = worker.run();
    }
  }
  const position = await appender.flush();
  const found = await client.get(`${sums.name}.sum.totals`, "k0", { atLeast: position, maxWaitMs: 60_000 });
  const totals = new Map<string, bigint>();
  let [rows, continued] = [0, true];
  for await (const row of client.subscribe(out, { start: "earliest", limit: 1000 })) {
    rows += 1;
    const now = (totals.get(row.get("k")) ?? 0n) + (row.get("n") as bigint);
    totals.set(row.get("k"), now);
    continued &&= row.get("total") === now;
  }
  await worker.close();
  await serving;
  return { total: String(found?.get("total")), rows, continued, totals: Object.fromEntries([...totals].map(([k, now]) => [k, String(now)])) };
}
