import { Client, Worker } from "@penstock/client";

const client = new Client("127.0.0.1:7550");
await client.createFunction("INITIAL", "STRING -> STRING", { deterministic: true });
const functions = { INITIAL: (text: string) => text.charAt(0) };
const worker = new Worker("127.0.0.1:7550", {}, { functions });
const serving = worker.run();
await client.sql('CREATE STREAM initials AS SELECT "customer", INITIAL("item") AS letter FROM "orders";');
for await (const row of client.subscribe("INITIALS", { start: "earliest", where: "`customer` = 'c042'", limit: 1 })) {
  console.log(row.get("letter")); // l
}
await worker.close();
await serving;
await client.close();
