/** A definition and a registered topology are explained: see spec.md. */

import { Topology } from "@penstock/client";
import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT");
  const big = new Topology(run.name("big"));
  big.stream(orders).filter("n > 10").to(run.name("large"));
  const text = await client.explain(big);
  const registered = await reason(() => client.topology(big.name));
  await client.registerTopology(big);
  const source = await client.explain(big.name, { source: true });
  return { has_expression: text.includes("filter `n` > 10"), registered, has_source: source.includes("def ") && source.length > text.length };
}
