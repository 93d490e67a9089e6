import { Client } from "@penstock/client";

const client = new Client("127.0.0.1:7550");
const store = new Map([["position", ""]]); // yours: a database, in one transaction with the effect of the rows

const where = { where: "price > :least", parameters: { least: 10 } };
const orders = client.subscribe("orders", { ...where, start: store.get("position") || "earliest", limit: 1 });
for await (const batch of orders.batches()) {
  for (const row of batch) {
    console.log(row.get("customer"), row.get("price"), row.get("ROWTIME"));
  }
  store.set("position", batch.position);
}
await client.close();
