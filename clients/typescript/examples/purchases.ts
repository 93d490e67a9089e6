/**
 * Purchases of a shop: card numbers are masked for everything downstream; patterns, rewards and totals come from what is masked. The points
 * of the rewards are computed here, in this program.
 *
 *     node dist/examples/purchases.js [HOST:PORT]
 *
 * It declares and registers all, appends a thousand purchases, looks a customer's rewards up with the token of the last append, follows what
 * is pushed, and recounts: the last line is `0 lost, 0 doubled`, else the exit code is 1.
 */

import { Client, DEFAULT_ADDRESS, type RowHandler, Topology, tumbling, Worker } from "@penstock/client";

const PURCHASES = 1000;
const BEGIN = Date.UTC(2025, 5, 15, 9);
const ITEMS = [
  ["coffee", "groceries"],
  ["lamp", "home"],
  ["camera", "electronics"],
  ["atlas", "books"],
] as const;
const STORES = [
  ["Harbour", "20457"],
  ["Station", "20099"],
] as const;

/** The topology: what the shop publishes. */
function shop(): Topology {
  const topology = new Topology("shop");
  const masked = topology.stream("purchases").selectAs(
    { name: "masked" },
    // The last four digits are enough to recognise a card.
    { card: "MASK_KEEP_RIGHT(card, 4)", item: "item", price: "price", department: "department", store: "store", zip: "zip" },
  );
  masked.to("purchases_masked");
  masked.select({ item: "item", sold_at: "ROWTIME", zip: "zip" }).to("patterns");
  const rewards = masked.processRemotely(
    "points",
    { rewards: "customer STRING KEY, points BIGINT" },
    { stores: { totals: "points BIGINT" }, keepsKey: true, name: "points" },
  );
  rewards.output("rewards").toTable({ name: "totals" }).to("rewards");
  masked
    .groupBy("department")
    .window(tumbling({ minutes: 1 }, { grace: { hours: 1 } }))
    .aggregate({ total: "SUM(price)", sold: "COUNT(*)" })
    .to("department_totals");
  masked.filter("price > 100").to("high_value");
  return topology;
}

/** A point for each whole unit of money, accumulated by customer. */
const points: RowHandler = (row, context) => {
  const before = (context.state("totals")?.["points"] as bigint | undefined) ?? 0n;
  const total = { points: before + BigInt(Math.floor(row.get("price"))) };
  context.put("totals", total);
  context.send("rewards", total);
};

/** The n-th purchase; prices are quarters, so that sums are exact in any order. */
function purchase(n: number) {
  const [item, department] = ITEMS[(n * 7) % ITEMS.length]!;
  const [store, zip] = STORES[n % STORES.length]!;
  const card = [n, n * 31, n * 17, n * 13].map((part) => String(part % 10_000).padStart(4, "0")).join("-");
  const price = 2 + ((n * 37) % 800) / 4;
  const customer = `c${String((n * 11) % 50).padStart(3, "0")}`;
  return { customer, card, item, price, department, store, zip, ROWTIME: new Date(BEGIN + 50 * n) };
}

const address = process.argv[2] ?? DEFAULT_ADDRESS;
const client = new Client(address);
const columns = "customer STRING KEY, card STRING, item STRING, price DOUBLE, department STRING, store STRING, zip STRING";
await client.createStream("purchases", columns, { partitions: 4, valueFormat: "JSON" });
const { relations } = await client.registerTopology(shop(), { waitMs: 30_000 });
console.log(`registered shop: publishes ${relations.join(", ")}`);

const worker = new Worker(address, { points });
const serving = worker.run();
const purchases = Array.from({ length: PURCHASES }, (_, n) => purchase(n));
const appender = await client.appender("purchases");
for (let n = 0; n < PURCHASES; n += 100) {
  await appender.append(purchases.slice(n, n + 100));
}
const position = await appender.flush();
await appender.close();

const earned = new Map<string, bigint>();
for (const { customer, price } of purchases) {
  earned.set(customer, (earned.get(customer) ?? 0n) + BigInt(Math.floor(price)));
}
const { customer } = purchases.at(-1)!;
const rewards = await client.get<{ points: bigint }>("rewards", customer, { atLeast: position, maxWaitMs: 25_000 });
console.log(`rewards of ${customer}: ${rewards?.value.points} points (expected ${earned.get(customer)})`);

const high = purchases.filter(({ price }) => price > 195);
console.log(`purchases over 195, pushed (${high.length}):`);
for await (const row of client.subscribe("high_value", { where: "price > 195", start: "earliest", limit: high.length })) {
  console.log(`  ${row.get("customer")} ${row.get("card")} ${row.get("item")} ${row.get("price")}`);
}

let [lost, doubled] = [0, 0];
const seen = new Map<string, number>();
for await (const row of client.subscribe("purchases_masked", { start: "earliest", limit: PURCHASES })) {
  const id = `${row.get("customer")} ${row.get("ROWTIME")}`;
  seen.set(id, (seen.get(id) ?? 0) + 1);
}
for (const { customer: of, ROWTIME } of purchases) {
  const count = seen.get(`${of} ${ROWTIME.getTime()}`) ?? 0;
  lost += count === 0 ? 1 : 0;
  doubled += Math.max(0, count - 1);
}
for await (const row of client.scan<{ customer: string; points: bigint }>("rewards", { atLeast: position, maxWaitMs: 25_000 })) {
  const { customer: of, points: found } = row.value;
  const expected = earned.get(of) ?? 0n;
  lost += found < expected ? 1 : 0;
  doubled += found > expected ? 1 : 0;
  earned.delete(of);
}
lost += earned.size;
console.log(`${lost} lost, ${doubled} doubled`);
await worker.close();
await serving;
await client.close();
process.exitCode = lost + doubled > 0 ? 1 : 0;
