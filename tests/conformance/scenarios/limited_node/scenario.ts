/** A node at its limits, and without what it should have: see spec.md. */

import { readFileSync } from "node:fs";
import { errors, Topology } from "@penstock/client";
import { type Facts, first, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const [ca, cert, key] = ["ca", "cert", "key"].map((name) => readFileSync(run.settings[name] ?? ""));
  const tls = { ca: ca!, cert: cert!, key: key! };
  const [client, once] = [run.connect({ tls }), run.connect({ tls, retry: { attempts: 1 } })];
  const stranger = await reason(() => run.connect({ tls: { ca: ca! }, retry: { attempts: 1 } }).cluster());
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT");
  const broken = new Topology(run.name("t"));
  broken.stream(orders).process("broken").output("out").to(run.name("out"));
  const plugin = await reason(() => client.registerTopology(broken, { validateOnly: true }));
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
    stranger,
    plugin,
    ...(schemas instanceof errors.SchemaRegistryUnavailableError ? { schemas: schemas.reason, later_ms: schemas.retryAfterMs } : {}),
    ...(queries instanceof errors.TooManyQueriesError ? { queries: queries.reason, limit: queries.metadata["limit"] } : {}),
    totals,
  };
}
