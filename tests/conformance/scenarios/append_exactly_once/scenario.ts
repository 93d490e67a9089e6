/** A batch with a producer and a sequence is written once: see spec.md. */

import { all, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [orders, producerId] = [run.name("orders"), run.name("till")];
  await client.createStream(orders, "k STRING KEY, n INT");
  const once = await client.append(orders, { k: "a", n: 1 }, { producerId, sequence: 1 });
  const again = await client.append(orders, { k: "a", n: 1 }, { producerId, sequence: 1 });
  const gap = await reason(() => client.append(orders, { k: "a", n: 3 }, { producerId, sequence: 3 }));
  await client.append(orders, { k: "a", n: 2 }, { producerId, sequence: 2 });
  const values = (await all(client.subscribe(orders, { start: "earliest", until: "end" }))).map((row) => row.get("n"));
  return { first: [once.appended, once.duplicate], again: [again.appended, again.duplicate], gap, values };
}
