import { Client, type RowHandler, Topology, Worker } from "@penstock/client";

/** A point for each whole unit of money, accumulated by customer. */
const points: RowHandler = (row, context) => {
  const before = (context.state("totals")?.["points"] as bigint | undefined) ?? 0n;
  const now = before + BigInt(Math.floor(row.get("price")));
  context.put("totals", { points: now });
  context.send("points", { points: now });
};

const client = new Client("127.0.0.1:7550");
const loyalty = new Topology("loyalty");
const outputs = { points: "customer STRING KEY, points BIGINT" };
const counted = loyalty.stream("orders").processRemotely("points", outputs, { stores: { totals: "points BIGINT" }, keepsKey: true });
counted.output("points").to("loyalty_points");
await client.registerTopology(loyalty, { waitMs: 30_000 });

const worker = new Worker("127.0.0.1:7550", { points });
const serving = worker.run(); // until close(), over restarts of the service
for await (const row of client.subscribe("loyalty_points", { start: "earliest", where: "customer = 'c042'", limit: 1 })) {
  console.log(row.get("customer"), row.get("points")); // c042 12n
}
await worker.close();
await serving;
await client.close();
