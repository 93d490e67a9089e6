/** TLS, tokens and rights: see spec.md. */

import { readFileSync } from "node:fs";
import type { Client } from "@penstock/client";
import { all, type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { ca = "", token = "", reader = "" } = run.settings;
  const orders = run.name("orders");
  const tls = { ca: readFileSync(ca) };
  const admin = run.connect({ tls, token });
  await admin.createStream(orders, "k STRING KEY, n INT");
  await admin.append(orders, { k: "a", n: 1 });
  const read = async (client: Client) => (await all(client.subscribe(orders, { start: "earliest", until: "end" }))).map((row) => row.get("n"));
  const append = (client: Client) => reason(() => client.append(orders, { k: "a", n: 1 }, { asJson: true }));
  const guest = run.connect({ tls, token: reader });
  const retry = { attempts: 1 };
  const named = (serverName: string) => run.connect({ tls: { ...tls, serverName }, token: reader, retry });
  return {
    read: await read(admin),
    no_token: await append(run.connect({ tls })),
    wrong_token: await append(run.connect({ tls, token: "x" })),
    reader_appends: await append(guest),
    reader_reads: await read(guest),
    plain: await reason(() => run.connect({ retry }).cluster()),
    stranger: await reason(() => run.connect({ tls: true, token: "x", retry }).cluster()),
    by_name: await read(named("localhost")),
    other_name: await reason(() => named("other.example").cluster()),
  };
}
