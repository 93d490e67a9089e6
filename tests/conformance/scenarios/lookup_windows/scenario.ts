/** Windows of a key are looked up by range and one by one: see spec.md. */

import { Topology, tumbling } from "@penstock/client";
import { type Facts, plain, reason, type Run } from "../../drivers/typescript/support.js";

const DAY = Date.UTC(2024, 0, 1);

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [clicks, counts] = [run.name("clicks"), run.name("counts")];
  await client.createStream(clicks, "page STRING KEY, n INT");
  const minutes = new Topology(run.name("minutes"));
  minutes.stream(clicks).groupBy().window(tumbling({ minutes: 1 })).aggregate({ many: "COUNT(*)" }).to(counts);
  await client.registerTopology(minutes, { waitMs: 30_000 });
  const rows = [0, 30, 60, 150].map((second) => ({ page: "p", n: 1, ROWTIME: new Date(DAY + 1000 * second) }));
  const { position } = await client.append(clicks, rows);
  const later = await client.getWindows(counts, "p", { startFrom: DAY + 60_000, atLeast: position, maxWaitMs: 20_000 });
  const every = await client.getWindows(counts, "p");
  const one = await client.batchGet(counts, [["p", DAY], ["p", new Date(DAY + 300_000)]]);
  return {
    later: later.column("many").map(plain),
    all: every.column("many").map(plain),
    starts: every.column("WINDOWSTART").map(plain),
    one: one.map((row) => plain(row?.get("many") ?? null)),
    as_one_row: await reason(() => client.get(counts, "p")),
  };
}
