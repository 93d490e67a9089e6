/** A deadline holds, on a service that answers late: see spec.md. */

import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const client = run.connect({ timeoutMs: 1_000 });
  while ((await reason(() => client.cluster())) !== "OK");
  await run.ask("delay", { ms: 6_000 });
  const began = performance.now();
  const why = await reason(() => client.cluster());
  const inTime = performance.now() - began < 4_000;
  await run.ask("delay", { ms: 0 });
  return { reason: why, in_time: inTime, then: await reason(() => run.connect({ timeoutMs: 20_000 }).cluster()) };
}
