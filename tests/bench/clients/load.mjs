/** The TypeScript client as load.py has Python's. */

import { Client, Worker } from "../../../clients/typescript/dist/src/index.js";

const WARM_MS = 3000;

async function lookup(client, table, users, seconds, inFlight) {
  const times = [];
  let missing = 0;
  const start = performance.now() + WARM_MS;
  const end = start + 1000 * seconds;
  const caller = async () => {
    for (let began = performance.now(); began < end; began = performance.now()) {
      const row = await client.get(table, `u${String(Math.floor(Math.random() * users)).padStart(6, "0")}`);
      if (began >= start) {
        times.push(performance.now() - began);
        missing += row === undefined ? 1 : 0;
      }
    }
  };
  const callers = Array.from({ length: inFlight }, caller);
  await new Promise((resolve) => setTimeout(resolve, WARM_MS));
  const before = process.cpuUsage();
  await Promise.all(callers);
  const used = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor(times.length * share)];
  return { calls: times.length, seconds, cpu: (used.user + used.system) / 1e6, p50_ms: at(0.5), p99_ms: at(0.99), missing };
}

async function push(client, relation) {
  const began = performance.now();
  let rows = 0;
  for await (const batch of client.subscribe(relation, { start: "earliest", until: "end" }).batches()) {
    rows += batch.size;
  }
  return { rows, seconds: (performance.now() - began) / 1000 };
}

/** Takes one batch and reads no further, until the process is killed. */
async function stop(client, relation) {
  for await (const batch of client.subscribe(relation, { start: "earliest" }).batches()) {
    console.log(JSON.stringify({ rows: batch.size }));
    await new Promise((resolve) => process.stdin.resume().on("end", resolve));
    return;
  }
}

const numbered = {
  processBundle(bundle) {
    const id = bundle.rows.column("id");
    bundle.sendColumns("out", { id, n: id.map((_, n) => n) });
  },
};

const [what, address, name, ...rest] = process.argv.slice(2);
if (what === "process") {
  await new Worker(address, { [name]: numbered }, { maxInFlight: 8 }).run();
} else {
  const client = new Client(address);
  const found = await { lookup, push, stop }[what](client, name, ...rest.map(Number));
  if (found !== undefined) {
    console.log(JSON.stringify(found));
  }
  await client.close();
}
