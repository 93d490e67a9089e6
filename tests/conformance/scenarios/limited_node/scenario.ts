/** A node at its limits, and without what it should have: see spec.md. */

import { errors, Topology } from "@penstock/client";
import { type Facts, first, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT");
  const broken = new Topology(run.name("t"));
  broken.stream(orders).process("broken").output("out").to(run.name("out"));
  const plugin = await reason(() => client.registerTopology(broken, { validateOnly: true }));
  const once = run.connect({ retry: { attempts: 1 } });
  const schemas = await once.createStream(run.name("avro"), "k STRING KEY, n INT", { valueFormat: "AVRO" }).catch((thrown: unknown) => thrown);
  await client.sql("SET 'auto.offset.reset' = 'earliest';");
  await client.append(orders, { k: "a", n: 1 });
  const push = `SELECT "k", SUM("n") AS "total" FROM "${orders}" GROUP BY "k" EMIT CHANGES;`;
  const totals: unknown[] = [];
  let queries: unknown;
  for await (const row of client.query(push, { limit: 2 })) {
    if (totals.length === 0) {
      queries = await first(client.query(push)).catch((thrown: unknown) => thrown);
      await client.append(orders, { k: "a", n: 2 });
    }
    totals.push(row.get("total"));
  }
  return {
    plugin,
    ...(schemas instanceof errors.SchemaRegistryUnavailableError ? { schemas: schemas.reason, later_ms: schemas.retryAfterMs } : {}),
    ...(queries instanceof errors.TooManyQueriesError ? { queries: queries.reason, limit: queries.metadata["limit"] } : {}),
    totals,
  };
}
