/** A reader that stops misses nothing, and holds up no other call: see spec.md. */

import type { Facts, Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT, note STRING", { partitions: 1 });
  const batches = client.subscribe(orders, { columns: ["n", "note"], start: "earliest" }).batches();
  for (let start = 0; start < 20_000; start += 2_000) {
    const rows = Array.from({ length: 2_000 }, (_, n) => ({ k: "a", n: start + n, note: "x".repeat(200) }));
    await run.ask("append", { relation: orders, rows });
  }
  const values: number[] = [];
  let answered = false;
  for await (const batch of batches) {
    values.push(...batch.column("n"));
    if (!answered) {
      const began = performance.now();
      for (let call = 0; call < 20; call++) {
        await client.cluster();
      }
      answered = performance.now() - began < 10_000;
    }
    if (values.length >= 20_000) {
      break;
    }
  }
  return { others_answered: answered, rows: values.length, in_order: values.every((value, n) => value === n) };
}
