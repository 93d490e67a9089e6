/** A record that cannot be read is kept, shown, and counted for a replay: see spec.md. */

import { Topology } from "@penstock/client";
import { all, cells, type Facts, first, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, raw, out] = [run.name("orders"), run.name("bytes"), run.name("out")];
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 1 });
  const binding = { topic: orders, partitions: 1, keyFormat: "KAFKA", valueFormat: "KAFKA" };
  await client.createStream(raw, "k BYTES KEY, v BYTES", binding);
  const copy = new Topology(run.name("copy"));
  copy.stream(orders, { name: "src" }).to(out);
  await client.registerTopology(copy, { waitMs: 30_000 });
  const append = (relation: string, value: string) =>
    client.appendRecords(relation, [{ key: Buffer.from("a"), value: Buffer.from(value) }]);
  await append(orders, '{"n": 5}');
  await append(raw, '{"n": ');
  await append(orders, '{"n": 1}');
  const refused = await reason(() => append(orders, '{"n": '));
  const row = await first(client.subscribe(`${copy.name}.dead_letter`, { start: "earliest" }));
  const letter = row === undefined ? {} : cells(row);
  const values = (await all(client.subscribe(out, { start: "earliest", limit: 2 }))).map((one) => one.get("n"));
  const { replayed } = await client.replayDeadLetters(copy.name, { validateOnly: true });
  return { refused, letter: ["NODE", "OFFSET", "RECORD_VALUE"].map((name) => letter[name]), values, replayable: String(replayed) };
}
