/** The service describes itself: see spec.md. */

import { Topology } from "@penstock/client";
import type { Facts, Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 2 });
  const copy = new Topology(run.name("copy"));
  copy.stream(orders).to(run.name("out"));
  await client.registerTopology(copy, { waitMs: 30_000 });
  const cluster = await client.cluster();
  return {
    log: cluster.log,
    available: cluster.logAvailable,
    nodes: cluster.nodes.length,
    tasks: (await client.tasks(copy.name)).map(({ state }) => state),
    kind: (await client.function("ABS")).kind,
    has_sum: (await client.functions()).some(({ name }) => name === "SUM"),
  };
}
