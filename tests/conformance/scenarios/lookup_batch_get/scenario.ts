/** Many keys are looked up at once, in the order asked: see spec.md. */

import { Topology } from "@penstock/client";
import { type Facts, plain, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [stock, shown] = [run.name("stock"), run.name("shown")];
  await client.createTable(stock, "shop STRING KEY, item INT KEY, n BIGINT");
  const copy = new Topology(run.name("copy"));
  copy.table(stock).to(shown);
  await client.registerTopology(copy, { waitMs: 30_000 });
  const rows = [{ shop: "s1", item: 1, n: 10 }, { shop: "s1", item: 2, n: 20 }, { shop: "s2", item: 1, n: 30 }];
  const { position } = await client.append(stock, rows);
  const keys = [["s2", 1], ["none", 1], ["s1", 2]];
  const found = await client.batchGet(shown, keys, { columns: ["n"], atLeast: position, maxWaitMs: 20_000 });
  return {
    found: found.map((row) => plain(row?.get("n") ?? null)),
    columns: found[0]?.schema.names,
    wrong_key: await reason(() => client.batchGet(shown, [["s1"]])),
  };
}
