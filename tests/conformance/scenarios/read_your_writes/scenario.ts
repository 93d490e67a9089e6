/** An answer includes the write whose token it is given: see spec.md. */

import { Topology } from "@penstock/client";
import { type Facts, plain, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, totals, doubled] = [run.name("orders"), run.name("totals"), run.name("doubled")];
  await client.createStream(orders, "k STRING KEY, n INT");
  const one = new Topology(run.name("first"));
  one.stream(orders).groupBy().aggregate({ total: "SUM(n)" }).to(totals);
  await client.registerTopology(one, { waitMs: 30_000 });
  const two = new Topology(run.name("second"));
  two.table(totals).select({ double: "total * 2" }).to(doubled);
  await client.registerTopology(two, { waitMs: 30_000 });
  const seen: unknown[] = [];
  let token = "";
  for (let n = 0; n < 10; n++) {
    token = (await client.append(orders, { k: "a", n: 1 })).position;
    const row = await client.get(doubled, "a", { atLeast: token, maxWaitMs: 20_000 });
    seen.push(plain(row?.get("double")));
  }
  const row = await client.get(doubled, "a", { atLeast: [token, ""], maxWaitMs: 20_000 });
  return { seen, several_tokens: plain(row?.get("double")) };
}
