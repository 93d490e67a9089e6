/** Relations are declared, described, listed and dropped: see spec.md. */

import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, stock] = [run.name("orders"), run.name("stock")];
  const columns = "k STRING KEY, n INT, price DECIMAL(10, 2)";
  await client.createStream(orders, columns, { partitions: 3 });
  const table = await client.createTable(stock, "k STRING KEY, n BIGINT");
  const again = await reason(() => client.createStream(orders, columns, { partitions: 3 }));
  const found = await client.relation(orders);
  const names = (await client.relations()).map(({ name }) => name);
  const topic = (await client.topics()).find(({ name }) => name === orders);
  await client.dropRelation(stock);
  return {
    kind: found.kind,
    columns: found.columns.map(({ name, type, role }) => [name, type.sql, role]),
    again,
    table_key: table.key.map(({ name }) => name),
    listed: names.includes(orders) && names.includes(stock),
    topic_partitions: topic?.partitions,
    dropped: await reason(() => client.relation(stock)),
  };
}
