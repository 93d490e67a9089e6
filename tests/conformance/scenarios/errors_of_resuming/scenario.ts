/** Positions from which nothing can go on any more are refused, each for its reason: see spec.md. */

import { errors } from "@penstock/client";
import { all, type Facts, first, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 1 });
  const written = (await client.append(orders, { k: "a", n: 1 })).position;
  const rows = client.subscribe(orders, { start: "earliest", until: "end" });
  await all(rows);
  const resume = rows.position;
  await client.append(orders, { k: "a", n: 2 });
  await run.ask("expire", { topic: orders });
  await client.append(orders, { k: "a", n: 3 });
  const expired = await first(client.subscribe(orders, { start: resume })).catch((thrown: unknown) => thrown);
  if (!(expired instanceof errors.PositionExpiredError)) {
    throw new Error(`the position has not expired: ${expired}`);
  }
  const left = await all(client.subscribe(orders, { start: expired.metadata["earliest"] ?? "", until: "end" }));
  const before = new Set((await client.topologies()).map(({ name }) => name));
  const push = `SELECT "k", SUM("n") AS "total" FROM "${orders}" GROUP BY "k" EMIT CHANGES;`;
  await client.sql("SET 'auto.offset.reset' = 'earliest';");
  const sums = client.query(push);
  const sum = await first(sums);
  for (const { name } of await client.topologies()) {
    if (!before.has(name)) {
      await client.deleteTopology(name);
    }
  }
  const gone = await reason(() => first(client.query(push, { resume: sums.position })));
  await client.dropRelation(orders, { deleteTopic: true });
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 1 });
  return {
    expired: expired.reason,
    left: left.map((row) => row.get("n")),
    total: sum?.get("total"),
    gone,
    replaced: await reason(() => first(client.subscribe(orders, { start: resume }))),
    foreign: await reason(() => first(client.subscribe(orders, { start: written }))),
  };
}
