/** Closing ends what waits, promptly: see spec.md. */

import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT");
  const other = run.connect();
  const appender = await other.appender(orders);
  await appender.append({ k: "a", n: 1 });
  await appender.flush();
  let waits: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => (waits = resolve));
  const read = async () => {
    for await (const _ of other.subscribe(orders, { start: "latest" }).events()) {
      waits();
    }
    return true;
  };
  const ended = read();
  await waiting;
  const began = performance.now();
  await other.close();
  const over = await ended;
  const inTime = performance.now() - began < 2_000;
  return {
    ended: over,
    in_time: inTime,
    call: await reason(() => other.cluster()),
    appender: await reason(() => appender.append({ k: "a", n: 2 })),
  };
}
