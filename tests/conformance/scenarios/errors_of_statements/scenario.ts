/** Statements are refused with the reason and the place of each mistake: see spec.md. */

import { PenstockError } from "@penstock/client";
import { all, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals, x, none] = [run.name("orders"), run.name("totals"), run.name("x"), run.name("none")];
  const declared = `CREATE STREAM "${orders}" ("k" STRING KEY, "n" INT) WITH (kafka_topic='${orders}', partitions=1, value_format='JSON');`;
  await client.sql(`${declared} CREATE TABLE "${totals}" AS SELECT "k", SUM("n") AS "total" FROM "${orders}" GROUP BY "k";`);
  const why = (statement: string) => reason(() => client.sql(statement));
  const quotient = `CREATE STREAM "${x}" AS SELECT "k", "n" / 'a' AS "y" FROM "${orders}";`;
  const error = await client.sql(quotient).catch((thrown: unknown) => thrown);
  const place = error instanceof PenstockError ? error.expression : undefined;
  return {
    twice: await why(declared),
    topic: await why(`CREATE STREAM "${x}" ("k" STRING KEY) WITH (kafka_topic='${none}', value_format='JSON');`),
    assertion: await why(`ASSERT TOPIC "${none}" TIMEOUT 1 SECONDS;`),
    used: await why(`DROP STREAM "${orders}";`),
    loop: await why(`INSERT INTO "${orders}" SELECT * FROM "${orders}";`),
    aggregate: await why(`CREATE TABLE "${x}" AS SELECT "total", MIN("total") AS "m" FROM "${totals}" GROUP BY "total";`),
    window: await why(`CREATE TABLE "${x}" AS SELECT "k", COUNT(*) AS "c" FROM "${orders}" WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 1 MINUTE)
      GROUP BY "k";`),
    schema: await why(`CREATE STREAM "${x}" ("k" STRING KEY) WITH (kafka_topic='${x}', partitions=1, value_format='AVRO', value_schema_id=99999);`),
    types: await why(quotient),
    place: quotient.slice(place?.start, place?.end),
    property: await why("SET 'no.such' = 'x';"),
    query: await why(`TERMINATE "${none}";`),
    range: await reason(() => all(client.scan(totals, { fromKey: "z", toKey: "a" }))),
  };
}
