/** The TypeScript driver: runs one scenario, or prints those that it has. See README.md. */

import { existsSync, readdirSync } from "node:fs";
import { Run, type Scenario } from "./support.js";

const SCENARIOS = new URL("../../scenarios/", import.meta.url);

const [name, address = "", prefix = "", ...settings] = process.argv.slice(2);
if (name === undefined) {
  const all = readdirSync(SCENARIOS).filter((one) => existsSync(new URL(`${one}/scenario.js`, SCENARIOS)));
  console.log(JSON.stringify(all.sort()));
} else {
  const { default: scenario } = (await import(new URL(`${name}/scenario.js`, SCENARIOS).href)) as { default: Scenario };
  const run = new Run(address, prefix, Object.fromEntries(settings.map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)])));
  try {
    const facts = await scenario(run);
    console.log(JSON.stringify({ facts }));
  } finally {
    await run.close();
  }
}
