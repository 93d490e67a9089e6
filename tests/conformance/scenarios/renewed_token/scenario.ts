/** A stream goes on with new credentials when its own have expired: see spec.md. */

import { readFileSync } from "node:fs";
import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { ca = "", token = "", reader = "" } = run.settings;
  const orders = run.name("orders");
  const tls = { ca: readFileSync(ca) };
  let present = reader;
  const admin = run.connect({ tls, token });
  await admin.createStream(orders, "k STRING KEY, n INT", { partitions: 1 });
  const options = { start: "earliest", progressIntervalMs: 500 } as const;
  const fixed = run.connect({ tls, token: reader }).subscribe(orders, options)[Symbol.asyncIterator]();
  const values: unknown[] = [];
  const reconnects: unknown[] = [];
  let ended = "";
  await admin.append(orders, { k: "a", n: 0 });
  for await (const event of run.connect({ tls, token: () => present }).subscribe(orders, options).events()) {
    if (event.type === "batch") {
      values.push(...event.column("n"));
      if (values.length === 2) {
        break;
      }
      await fixed.next();
      present = (await run.ask("exchange_token"))["token"] as string;
      ended = await reason(() => fixed.next());
      await admin.append(orders, { k: "a", n: 1 });
    } else if (event.type === "reconnecting") {
      reconnects.push(event.error?.reason);
    }
  }
  return { fixed: ended, values, reconnects };
}
