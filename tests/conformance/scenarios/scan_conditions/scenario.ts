/** A scan is narrowed by condition, keys and limit, and goes on after its cursor: see spec.md. */

import { type Row, Topology } from "@penstock/client";
import { all, type Facts, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [stock, shown] = [run.name("stock"), run.name("shown")];
  await client.createTable(stock, "shop STRING KEY, item INT KEY, n INT");
  const copy = new Topology(run.name("copy"));
  copy.table(stock).to(shown);
  await client.registerTopology(copy, { waitMs: 30_000 });
  const rows = Array.from({ length: 50 }, (_, n) => ({ shop: `s${Math.floor(n / 10)}`, item: n % 10, n }));
  const { position } = await client.append(stock, rows);
  const every = await all(client.scan(shown, { atLeast: position, maxWaitMs: 20_000 }));
  const where = await all(client.scan(shown, { where: "n > :least", parameters: { least: 41 } }));
  const prefix = await all(client.scan(shown, { prefix: "s3" }));
  const bounds = await all(client.scan(shown, { fromKey: ["s1", 5], toKey: ["s2", 4] }));
  const some = client.scan(shown, { limit: 20 });
  const head = await all(some);
  const rest = client.scan(shown, { cursor: some.cursor });
  const tail = await all(rest);
  const key = (row: Row) => `${row.get("shop")} ${row.get("item")}`;
  return {
    all: every.length,
    where: where.length,
    prefix: prefix.length,
    range: bounds.length,
    limit: head.length,
    together: head.length + tail.length,
    distinct: new Set([...head, ...tail].map(key)).size,
    position: rest.position !== "",
  };
}
