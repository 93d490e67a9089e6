/** Queries are pulled once or pushed as changes come, with parameters: see spec.md. */

import { all, cells, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals] = [run.name("orders"), run.name("totals")];
  await client.sql(`
    CREATE STREAM "${orders}" ("k" STRING KEY, "n" INT) WITH (kafka_topic='${orders}', partitions=1, value_format='JSON');
    CREATE TABLE "${totals}" AS SELECT "k", SUM("n") AS "total" FROM "${orders}" GROUP BY "k";`);
  const { position } = await client.append(orders, [{ k: "a", n: 1 }, { k: "b", n: 2 }]);
  const pull = `SELECT "k", "total" FROM "${totals}" WHERE "k" = :key;`;
  const pulled = await all(client.query(pull, { parameters: { key: "b" }, atLeast: position, maxWaitMs: 20_000 }));
  await client.sql("SET 'auto.offset.reset' = 'earliest';");
  const pushed: Facts[] = [];
  const push = `SELECT "k", "n" * 2 AS "double" FROM "${orders}" WHERE "n" > :least EMIT CHANGES;`;
  for await (const row of client.query(push, { parameters: { least: 1 }, limit: 2 })) {
    if (pushed.length === 0) {
      await run.ask("append", { relation: orders, rows: [{ k: "c", n: 9 }] });
    }
    pushed.push(cells(row));
  }
  return { pulled: pulled.map(cells), pushed, unknown: await reason(() => all(client.query(`SELECT * FROM "${run.name("none")}";`))) };
}
