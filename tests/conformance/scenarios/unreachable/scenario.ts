/** Nobody there is told as such; calls that may be repeated wait for the service to come back: see spec.md. */

import { all, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, producerId] = [run.name("orders"), run.name("till")];
  await client.createStream(orders, "k STRING KEY, n INT");
  await client.append(orders, []);
  await run.ask("refuse");
  const once = await reason(() => run.connect({ retry: { attempts: 1 } }).cluster());
  await run.ask("refuse", { for_ms: 1_000 });
  const repeated = await reason(() => client.cluster());
  await run.ask("refuse", { for_ms: 1_000 });
  const without = await reason(() => client.append(orders, { k: "a", n: 1 }));
  const withProducer = await reason(() => client.append(orders, { k: "a", n: 1 }, { producerId, sequence: 1 }));
  const rows = await all(client.subscribe(orders, { start: "earliest", until: "end" }));
  return { once, repeated, without_producer: without, with_producer: withProducer, rows: rows.length };
}
