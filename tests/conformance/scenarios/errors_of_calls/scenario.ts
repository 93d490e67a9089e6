/** Calls are refused with the reason of each mistake: see spec.md. */

import { PenstockError, Topology } from "@penstock/client";
import { all, type Facts, first, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client: c } = run;
  const [orders, totals, name] = [run.name("orders"), run.name("totals"), run.name("counts")];
  await c.createStream(orders, "k STRING KEY, n INT");
  const counts = new Topology(name);
  counts.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  await c.registerTopology(counts, { waitMs: 30_000 });
  const unknown = await c.get(run.name("totls"), "a").catch((thrown: unknown) => thrown);
  const candidates = unknown instanceof PenstockError ? unknown.metadata["candidates"] : "";
  return {
    unknown_relation: await reason(() => c.get(run.name("totls"), "a")),
    candidates: candidates?.includes(totals),
    stream_lookup: await reason(() => c.get(orders, "a")),
    wrong_key: await reason(() => c.get(totals, true)),
    garbage_token: await reason(() => c.get(totals, "a", { atLeast: "garbage" })),
    subscribe_garbage: await reason(() => first(c.subscribe(totals, { start: "garbage" }))),
    unknown_column: await reason(() => all(c.scan(totals, { where: "totl > 1" }))),
    bad_expression: await reason(() => all(c.scan(totals, { where: "total >" }))),
    type_mismatch: await reason(() => all(c.scan(totals, { where: "total > 'x'" }))),
    in_use: await reason(() => c.dropRelation(orders)),
    read_only: await reason(() => c.append(totals, { k: "a" })),
    unknown_topology: await reason(() => c.topology(run.name("none"))),
    unknown_function: await reason(() => c.function("NO_SUCH")),
    not_paused: await reason(() => c.resetTopology(name)),
    name_taken: await reason(() => c.createStream(orders, "k STRING KEY")),
    etag: await reason(() => c.deleteTopology(name, { etag: "other" })),
    wrong_column: await reason(() => c.append(orders, { x: 1 })),
    bad_cursor: await reason(() => all(c.scan(totals, { cursor: "garbage" }))),
    bad_limits: await reason(() => first(c.subscribe(totals, { maxBatchRows: 100_000 }))),
    unknown_topic: await reason(() => first(c.query(`PRINT '${run.name("none")}';`))),
    unknown_node: await reason(() => c.drainNode(run.name("none"))),
  };
}
