/** Statements are executed one by one, in a session: see spec.md. */

import { PenstockError } from "@penstock/client";
import { all, cells, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals] = [run.name("orders"), run.name("totals")];
  const script = `
    CREATE STREAM "${orders}" ("k" STRING KEY, "n" INT) WITH (kafka_topic='${orders}', partitions=1, value_format='JSON');
    CREATE TABLE "${totals}" AS SELECT "k", SUM("n") AS "total" FROM "${orders}" GROUP BY "k";`;
  const created = await client.sql(script);
  const again = await client.sql(script, { apply: true });
  const [inserted] = await client.sql(`INSERT INTO "${orders}" ("k", "n") VALUES ('a', 5);`);
  const row = await client.get(totals, "a", { atLeast: inserted?.position ?? "", maxWaitMs: 20_000 });
  const [shown] = await client.sql("SHOW STREAMS;");
  await client.sql("DEFINE least = '3';");
  const rows = await all(client.query(`SELECT * FROM "${totals}" WHERE "total" > \${least};`));
  const error = await client.sql("SELEC 1;").catch((thrown: unknown) => thrown);
  return {
    created: created.map(({ relation, topology }) => [relation !== undefined, topology?.state ?? null]),
    unchanged: again.map(({ unchanged }) => unchanged),
    row: row && cells(row),
    listed: shown?.rows?.column("name").includes(orders),
    query: rows.map(cells),
    second_statement: await reason(() => client.sql(`DESCRIBE "${orders}"; DROP STREAM "${run.name("none")}";`)),
    syntax: await reason(() => client.sql("SELEC 1;")),
    start: error instanceof PenstockError ? error.expression?.start : -1,
  };
}
