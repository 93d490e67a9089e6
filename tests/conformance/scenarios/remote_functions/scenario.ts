/** A function that a program computes is called in an expression: see spec.md. */

import { Topology, Worker } from "@penstock/client";
import { all, cells, type Facts, first, reason, type Run } from "../../drivers/typescript/support.js";

const twice = (n: unknown) => {
  if (n === 13n) {
    throw new RangeError("13 is unlucky");
  }
  return 2n * (n as bigint);
};

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const [numbers, held, out, name] = [run.name("numbers"), run.name("held"), run.name("out"), run.name("twice")];
  const [signature = ""] = (await client.createFunction(name, "BIGINT -> BIGINT", { deterministic: true, cacheRows: 10 })).signatures;
  const taken = await reason(() => client.createFunction(name, "STRING -> BIGINT"));
  await client.createStream(numbers, "k STRING KEY, n BIGINT", { partitions: 1 });
  await client.createTable(held, "k STRING KEY, n BIGINT", { partitions: 1 });
  const doubled = new Topology(run.name("doubled"));
  doubled.stream(numbers).filter(`${name}(n) < 100`).selectAs({ name: "sel" }, `${name}(n) + 1 AS m`).to(out);
  await client.registerTopology(doubled, { waitMs: 30_000 });
  const table = new Topology(run.name("table"));
  table.table(held).filter(`${name}(n) > 1`).to(run.name("table_out"));
  const wrong = new Topology(run.name("wrong"));
  wrong.stream(numbers).filter(`${name}('x', n) > 1`).to(run.name("wrong_out"));
  const refused = { table: await reason(() => client.registerTopology(table)), wrong: await reason(() => client.registerTopology(wrong)) };
  const worker = new Worker(run.address, {}, { functions: { [name]: twice } });
  const serving = worker.run();
  const values = { a: 1, b: null, c: 13, d: 60, e: 2 };
  await client.append(numbers, Object.entries(values).map(([k, n]) => ({ k, n })));
  const rows = (await all(client.subscribe(out, { start: "earliest", limit: 2 }))).map((row) => {
    const m = row.get("m");
    return [row.get("k"), m === null ? null : String(m)];
  });
  const letter = await first(client.subscribe(`${doubled.name}.dead_letter`, { start: "earliest" }));
  await worker.close();
  await serving;
  await client.deleteTopology(doubled.name);
  await client.dropFunction(name);
  const dropped = await reason(() => client.function(name));
  const unlucky = letter !== undefined && String(cells(letter)["REASON"]).includes("13 is unlucky");
  return { signature: signature.slice(signature.indexOf("(")), taken, ...refused, rows, letter: unlucky, dropped };
}
