/** Rows as JSON are cast as INSERT VALUES does: see spec.md. */

import { all, cells, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n BIGINT, price DECIMAL(10, 2), day DATE");
  const rows = [{ k: "a", n: 9007199254740993n, price: 12.5, day: "2024-02-29" }, { k: "b" }];
  const { appended } = await client.append(orders, rows, { asJson: true });
  const found = await all(client.subscribe(orders, { start: "earliest", until: "end" }));
  return {
    appended,
    ...Object.fromEntries(found.map((row) => [row.get("k"), cells(row)])),
    refused: await reason(() => client.append(orders, { k: "c", n: "x" }, { asJson: true })),
  };
}
