/** A subscription that is left is over at the service: see spec.md. */

import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT");
  await client.append(orders, { k: "a", n: 1 });
  const subscriptions = Array.from({ length: 5 }, () => client.subscribe(orders, { start: "earliest" }));
  for (const subscription of subscriptions) {
    await subscription[Symbol.asyncIterator]().next();
  }
  const { count: open } = await run.ask("subscriptions", { count: 5 });
  await Promise.all(subscriptions.map((subscription) => subscription.close()));
  const { count: left } = await run.ask("subscriptions", { count: 0 });
  return { open, left, then: await reason(() => client.cluster()) };
}
