/** A newer stream of a producer ends the older one: see spec.md. */

import type { Appender } from "@penstock/client";
import { all, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, producerId] = [run.name("orders"), run.name("till")];
  await client.createStream(orders, "k STRING KEY, n INT");
  const older = await client.appender(orders, { producerId });
  await older.append({ k: "a", n: 1 });
  await older.flush();
  const newer = await client.appender(orders, { producerId });
  const last = newer.lastSequence;
  const goOn = async (appender: Appender) => {
    await appender.append({ k: "a", n: 2 });
    await appender.flush();
  };
  const fenced = await reason(() => goOn(older));
  const fine = await reason(() => goOn(newer));
  const rows = await all(client.subscribe(orders, { start: "earliest", until: "end" }));
  return { last_sequence: String(last), first: fenced, second: fine, rows: rows.length };
}
