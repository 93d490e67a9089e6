/** Timers of a remote processor come once, with the state of their key: see spec.md. */

import { type TimerHandler, Topology, Worker } from "@penstock/client";
import { all, type Facts, type Run } from "../../drivers/typescript/support.js";

const watch: TimerHandler = {
  processRow(row, context) {
    const n = row.get("n") as bigint;
    context.put("seen", { n: n + ((context.state("seen")?.["n"] as bigint | undefined) ?? 0n) });
    if (n === 0n) {
      context.cancelTimer({ name: "over" });
    } else {
      context.setTimer(Number(row.get("ROWTIME")) + 10_000, { name: "over" });
    }
  },
  onTimer(_, context) {
    context.send("ended", { n: context.state("seen")?.["n"] });
    context.put("seen", null);
  },
};

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [visits, out, processor] = [run.name("visits"), run.name("out"), run.name("watch")];
  await client.createStream(visits, "k STRING KEY, n BIGINT", { partitions: 1 });
  const last = new Topology(run.name("last"));
  const settings = { stores: { seen: "n BIGINT" }, keepsKey: true, timers: true, name: "watch" };
  last.stream(visits).processRemotely(processor, { ended: "k STRING KEY, n BIGINT" }, settings).output("ended").to(out);
  await client.registerTopology(last, { waitMs: 30_000 });
  const worker = new Worker(run.address, { [processor]: watch });
  const serving = worker.run();
  const appender = await client.appender(visits, { producerId: run.name("door") });
  const append = (k: string, n: number, at: number) => appender.append([{ k, n, ROWTIME: new Date(at) }]);
  await append("a", 1, 1000);
  await append("b", 2, 2000);
  await append("x", 5, 2500);
  await append("x", 0, 3000);
  await append("a", 3, 9000);
  await run.ask("kill_worker");
  await append("c", 4, 12_000);
  await run.ask("kill_gateway");
  await append("d", 5, 19_000);
  const atLeast = await appender.flush();
  const rows = (await all(client.subscribe(out, { start: "earliest", limit: 2 }))).map((row) => [
    row.get("k"),
    String(row.get("n")),
    String(row.get("ROWTIME")),
  ]);
  const seen = `${last.name}.watch.seen`;
  let a = true;
  for (const until = Date.now() + 30_000; a && Date.now() < until; ) {
    a = (await client.get(seen, "a", { atLeast, maxWaitMs: 30_000 })) !== undefined;
  }
  const x = await client.get(seen, "x");
  await worker.close();
  await serving;
  return { rows, a, x: String(x?.get("n")) };
}
