/** A table's subscription gives its rows, says that it has caught up, then gives changes: see spec.md. */

import { type Batch, Topology } from "@penstock/client";
import { cells, type Facts, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals] = [run.name("orders"), run.name("totals")];
  await client.createStream(orders, "k STRING KEY, n INT");
  const counts = new Topology(run.name("counts"));
  counts.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  await client.registerTopology(counts, { waitMs: 30_000 });
  const { position } = await client.append(orders, [{ k: "a", n: 1 }, { k: "b", n: 2 }, { k: "c", n: 3 }]);
  await client.batchGet(totals, ["a", "b", "c"], { atLeast: position, maxWaitMs: 20_000 });
  let firstEvent: string | undefined;
  const snapshot: Facts = {};
  let [marked, live] = [true, false];
  let change: Batch | undefined;
  for await (const event of client.subscribe(totals).events()) {
    firstEvent ??= event.type;
    if (event.type === "caughtUp") {
      live = true;
      await client.append(orders, { k: "b", n: 5 });
    } else if (event.type === "batch" && live) {
      change = event;
      break;
    } else if (event.type === "batch") {
      marked &&= event.snapshot;
      Object.assign(snapshot, Object.fromEntries([...event].map((row) => [row.get("k"), row.get("total")])));
    }
  }
  const [row] = change ?? [];
  return { first_event: firstEvent, snapshot, marked, change: row && cells(row), change_marked: change?.snapshot };
}
