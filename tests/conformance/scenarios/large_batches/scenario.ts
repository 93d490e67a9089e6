/** Large batches go through, and too large ones are refused with the limit: see spec.md. */

import { all, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT, note STRING", { partitions: 1 });
  const rows = Array.from({ length: 20_000 }, (_, n) => ({ k: "a", n, note: "x".repeat(100) }));
  const { appended, position } = await client.append(orders, rows);
  const found = await all(client.subscribe(orders, { start: "earliest", until: position, maxBatchRows: 65_536 }));
  const row = await reason(() => client.append(orders, { k: "a", note: "x".repeat(2_000_000) }));
  const request = await reason(() => client.append(orders, { k: "a", note: "x".repeat(5_000_000) }));
  await client.append(orders, { k: "a", note: "é".repeat(100_000) });
  const [long] = await all(client.subscribe(orders, { start: position, until: "end" }));
  const note: string = long?.get("note") ?? "";
  return {
    appended,
    read: found.length,
    sum: String(found.reduce((total, one) => total + one.get("n"), 0)),
    row,
    request,
    long: /^é*$/.test(note) ? note.length : 0,
  };
}
