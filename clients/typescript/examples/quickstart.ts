import { Client, Topology } from "@penstock/client";

const client = new Client("127.0.0.1:7550");
await client.createStream("orders", "customer STRING KEY, item STRING, price DOUBLE");

const spending = new Topology("spending");
spending.stream("orders").groupBy().aggregate({ total: "SUM(price)" }).to("spend");
await client.registerTopology(spending, { waitMs: 30_000 });

const { position } = await client.append("orders", { customer: "c042", item: "lamp", price: 12.5 });
const row = await client.get("spend", "c042", { atLeast: position });
console.log(row?.get("total")); // 12.5: the answer includes the append

// What is there, then every change; it goes on over restarts of the service.
for await (const row of client.subscribe("spend")) {
  console.log(row.get("customer"), row.get("total"));
  break;
}
await client.close();
