/** A subscription ends at its limit, at the present end and at a position: see spec.md. */

import type { SubscribeOptions } from "@penstock/client";
import { all, type Facts, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 1 });
  const rows = Array.from({ length: 20 }, (_, n) => ({ k: "a", n }));
  const { position } = await client.append(orders, rows.slice(0, 10));
  await client.append(orders, rows.slice(10));
  const count = async (options: SubscribeOptions) => (await all(client.subscribe(orders, { start: "earliest", ...options }))).length;
  const last = (await all(client.subscribe(orders, { start: "earliest", until: "end" }).events())).at(-1);
  return {
    limit: await count({ limit: 7 }),
    end: await count({ until: "end" }),
    position: await count({ until: position }),
    even: await count({ until: "end", where: "n % 2 = 0" }),
    reason: last?.type === "ended" ? last.reason : "",
  };
}
