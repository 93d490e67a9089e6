/** A node is taken out of the service: see spec.md. */

import { errors } from "@penstock/client";
import { type Facts, reason, type Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const once = run.connect({ retry: { attempts: 1 } });
  const [node] = (await client.cluster()).nodes;
  const unknown = await reason(() => client.drainNode(run.name("none")));
  await run.ask("hold_worker");
  await client.drainNode(node?.id ?? "");
  const draining = await once.topologies().catch((thrown: unknown) => thrown);
  await run.ask("release_worker");
  const { code } = await run.ask("ended");
  return {
    state: node?.state,
    unknown,
    ...(draining instanceof errors.DrainingError ? { draining: draining.reason, later_ms: draining.retryAfterMs } : {}),
    code,
    then: await reason(() => once.cluster()),
  };
}
