/** Rows that a remote processor fails on become dead letters, and the others are processed: see spec.md. */

import { RetryBundle, type RowHandler, Topology, Worker } from "@penstock/client";
import { all, cells, type Facts, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [payments, out, processor] = [run.name("payments"), run.name("out"), run.name("half")];
  let met = false;
  const half: RowHandler = (row, context) => {
    const n = row.get("n") as bigint;
    if (n === 4n && !met) {
      met = true;
      throw new RetryBundle("not yet");
    }
    if (n === 3n) {
      throw new RangeError("three is odd");
    }
    context.send("halves", { n: n === 5n ? "a text" : n / 2n });
  };
  await client.createStream(payments, "k STRING KEY, n BIGINT", { partitions: 1 });
  const halves = new Topology(run.name("halves"));
  const outputs = { halves: "k STRING KEY, n BIGINT" };
  halves.stream(payments).processRemotely(processor, outputs, { keepsKey: true, maxAttempts: 3, name: "half" }).output("halves").to(out);
  await client.registerTopology(halves, { waitMs: 30_000 });
  const take = async (count: number) => (await all(client.subscribe(out, { start: "earliest", limit: count }))).map((row) => cells(row)["n"]);
  const worker = new Worker(run.address, { [processor]: half });
  const serving = worker.run();
  await client.append(payments, [{ k: "a", n: 2 }, { k: "b", n: 3 }, { k: "c", n: 4 }]);
  await take(2);
  await client.append(payments, { k: "d", n: 5 });
  const letters = (await all(client.subscribe(`${halves.name}.dead_letter`, { start: "earliest", limit: 2 }))).map(cells);
  await client.append(payments, { k: "e", n: 6 });
  const values = await take(3);
  await worker.close();
  await serving;
  const [first, second] = letters.map((letter) => String(letter["REASON"]));
  return {
    values,
    nodes: letters.map((letter) => letter["NODE"]),
    odd: first?.includes("three is odd"),
    wrong_type: second?.includes("output halves, column n"),
  };
}
