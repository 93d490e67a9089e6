/** Invalid rows are named, and skipped if asked: see spec.md. */

import { PenstockError } from "@penstock/client";
import { all, type Facts, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT");
  const rows = [{ k: "a", n: 1 }, { k: "b", n: "x" }, { k: "c", n: 3 }];
  const error = await client.append(orders, rows, { asJson: true }).catch((thrown: unknown) => thrown);
  const refused = error instanceof PenstockError ? error : undefined;
  const written = await client.append(orders, rows, { asJson: true, skipInvalid: true });
  const found = await all(client.subscribe(orders, { start: "earliest", until: "end" }));
  return {
    refused: refused?.reason,
    rows: refused?.rowErrors.map(({ row, reason }) => [row, reason]),
    appended: written.appended,
    skipped: written.rowErrors.map(({ row, reason }) => [row, reason]),
    keys: found.map((row) => row.get("k") as string).sort(),
  };
}
