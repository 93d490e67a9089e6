/** A new client goes on after the position that an earlier one stored: see spec.md. */

import { all, type Facts, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 1 });
  await client.append(orders, Array.from({ length: 50 }, (_, n) => ({ k: "a", n })));
  const reader = run.connect();
  const values: number[] = [];
  let stored = "";
  for await (const batch of reader.subscribe(orders, { start: "earliest", maxBatchRows: 10 }).batches()) {
    values.push(...batch.column("n"));
    stored = batch.position;
    if (values.length >= 20) {
      break;
    }
  }
  await reader.close();
  const head = values.length;
  await client.append(orders, Array.from({ length: 10 }, (_, n) => ({ k: "a", n: 50 + n })));
  const rest = await all(run.connect().subscribe(orders, { start: stored, until: "end" }));
  values.push(...rest.map((row) => row.get("n") as number));
  return { first: head, rest: rest.length, in_order: values.every((value, n) => value === n) };
}
