/** A stream of appends goes on over a kill of the gateway, each row once: see spec.md. */

import { all, type Facts, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, producerId] = [run.name("orders"), run.name("till")];
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 1 });
  const appender = await client.appender(orders, { producerId });
  for (let n = 0; n < 100; n++) {
    if (n === 30) {
      await run.ask("kill_gateway");
    }
    if (n === 60) {
      await run.ask("cut");
    }
    await appender.append({ k: "a", n });
  }
  const until = await appender.flush();
  await appender.close();
  const values = (await all(client.subscribe(orders, { start: "earliest", until }))).map((row) => row.get("n"));
  const later = await client.appender(orders, { producerId });
  return { values: values.length, in_order: values.every((value, n) => value === n), last_sequence: String(later.lastSequence) };
}
