/** Definitions are refused with the reason and the place of each mistake: see spec.md. */

import { PenstockError, Topology } from "@penstock/client";
import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, other, out] = [run.name("orders"), run.name("other"), run.name("out")];
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 2 });
  await client.createStream(other, "k STRING KEY, m INT", { partitions: 3 });
  const check = (build: (t: Topology) => unknown) => {
    const topology = new Topology(run.name("t"));
    build(topology);
    return client.registerTopology(topology, { validateOnly: true });
  };
  const why = (build: (t: Topology) => unknown) => reason(() => check(build));
  const misspelt = () => {
    const topology = new Topology(run.name("t"));
    topology.stream(orders).to(out);
    const message = topology.message();
    message.nodes[1]!.inputs = ["nobody"];
    return client.registerTopology(message, { validateOnly: true });
  };
  const binding = { topic: run.name("avro"), valueFormat: "AVRO" };
  const published = new Topology(run.name("first"));
  published.stream(orders).to(run.name("first_out"), { binding });
  await client.registerTopology(published, { waitMs: 30_000 });
  const texts = new Topology(run.name("texts"));
  texts.stream(orders).select({ n: "CAST(n AS STRING)" }).to(out, { binding });
  const half = (t: Topology) => t.stream(orders).filter("n >", { name: "f" }).to(out);
  const error = await check(half).catch((thrown: unknown) => thrown);
  const place = error instanceof PenstockError ? error.expression : undefined;
  return {
    source: await why((t) => t.stream(run.name("none")).to(out)),
    column: await why((t) => t.stream(orders).filter("nn > 1").to(out)),
    expression: await why(half),
    place: [place?.node, place?.start, place?.end],
    types: await why((t) => t.stream(orders).filter("n > 'x'").to(out)),
    function: await why((t) => t.stream(orders).select({ x: "NO_SUCH(n)" }).to(out)),
    twice: await why((t) => [t.stream(orders, { name: "x" }), t.stream(other, { name: "x" })]),
    join: await why((t) => t.stream(orders).joinStream(t.stream(other), { within: 1_000 }).to(out)),
    processor: await why((t) => t.stream(orders).process("no_such").output("out").to(out)),
    schema: await why((t) => t.stream(run.name("in"), { columns: "k STRING KEY, n NOPE" }).to(out)),
    format: await why((t) => t.stream(orders).to(out, { binding: { valueFormat: "NOPE" } })),
    input: await reason(misspelt),
    incompatible: await reason(() => client.registerTopology(texts)),
  };
}
