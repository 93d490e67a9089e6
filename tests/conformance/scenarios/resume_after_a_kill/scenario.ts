/** A subscription goes on over a kill of the gateway and a cut, without a gap or a repeat: see spec.md. */

import type { Facts, Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const orders = run.name("orders");
  await client.createStream(orders, "k STRING KEY, n INT", { partitions: 1 });
  const write = (start: number) =>
    run.ask("append", { relation: orders, rows: Array.from({ length: 100 }, (_, n) => ({ k: "a", n: start + n })) });
  await write(0);
  const taken = new Map<bigint, number>();
  let [killed, cut, reconnected, written] = [false, false, false, 100];
  const subscription = client.subscribe(orders, { columns: ["n", "ROWOFFSET"], start: "earliest", maxBatchRows: 10 });
  for await (const event of subscription.events()) {
    reconnected ||= event.type === "reconnecting";
    if (event.type === "batch") {
      for (const row of event) {
        if (!taken.has(row.get("ROWOFFSET"))) {
          taken.set(row.get("ROWOFFSET"), row.get("n"));
        }
      }
    }
    if (taken.size >= 30 && !killed) {
      killed = true;
      await run.ask("kill_gateway");
    }
    if (taken.size >= 300 && !cut) {
      cut = true;
      await run.ask("cut");
    }
    if (taken.size >= 400) {
      break;
    }
    if (taken.size >= written) {
      await write(written);
      written += 100;
    }
  }
  const values = [...taken.values()];
  return { rows: values.length, in_order: values.every((value, n) => value === n), reconnected };
}
