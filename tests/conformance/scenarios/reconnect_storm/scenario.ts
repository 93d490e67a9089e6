/** Many subscriptions of one client come back after their connection was cut: see spec.md. */

import type { Facts, Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 1 });
  await client.append(orders, { k: "a", n: 0 });
  const readers = Array.from({ length: 20 }, () => client.subscribe(orders, { start: "earliest" })[Symbol.asyncIterator]());
  await Promise.all(readers.map((reader) => reader.next()));
  for (let times = 0; times < 3; times++) {
    await run.ask("cut");
  }
  await run.ask("append", { relation: orders, rows: [{ k: "a", n: 1 }] });
  const second = (await Promise.all(readers.map((reader) => reader.next()))).map(({ value }) => value?.get("n"));
  const { count } = await run.ask("subscriptions", { count: 20 });
  return { second: [...new Set(second)], all_came: second.length, open: count };
}
