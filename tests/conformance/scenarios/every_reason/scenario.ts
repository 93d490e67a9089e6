/** Every reason has its error, and only what is unavailable is asked again: see spec.md. */

import { PenstockError } from "@penstock/client";
import type { Facts, Run } from "../../drivers/typescript/support.js";

export default async function scenario(run: Run): Promise<Facts> {
  const client = run.connect({ retry: { attempts: 2, firstMs: 1, longestMs: 1 } });
  const errors = new Map<string, PenstockError>();
  for (const name of (await run.ask("reasons"))["reasons"] as string[]) {
    await client.topology(name).catch((thrown: unknown) => {
      if (thrown instanceof PenstockError) {
        errors.set(name, thrown);
      }
    });
  }
  const calls = (await run.ask("calls"))["calls"] as Record<string, number>;
  const those = (when: (error: PenstockError, name: string) => boolean) => [...errors].filter(([name, error]) => when(error, name)).map(([name]) => name);
  const place = ({ field, node, start, end }: NonNullable<PenstockError["expression"]>) => [field, node, start, end].join(" ") === "name n 3 5";
  return {
    codes: Object.fromEntries([...errors].map(([name, error]) => [name, error.code])),
    untyped: those((error, name) => error.constructor.name.toUpperCase() !== `${name.replaceAll("_", "")}ERROR`),
    other: those((error, name) => error.reason !== name || error.message !== `refused: ${name}` || error.metadata["topology"] !== name),
    placed: those((error) => error.expression !== undefined && place(error.expression)),
    later: those((error) => error.retryAfterMs === 20),
    repeated: those((_, name) => calls[name] === 2),
  };
}
