import { Client } from "@penstock/client";

const client = new Client("127.0.0.1:7550");
// In SQL an unquoted name is upper-cased; quotes keep the case in which this client declared the stream.
await client.sql('CREATE TABLE items AS SELECT "item", COUNT(*) AS sold FROM "orders" GROUP BY "item";');
const query = 'SELECT "item", sold FROM items WHERE sold > :least EMIT CHANGES;';
for await (const row of client.query(query, { parameters: { least: 0 }, limit: 1 })) {
  console.log(row.value); // such as { item: 'lamp', SOLD: 1n }
}
await client.close();
