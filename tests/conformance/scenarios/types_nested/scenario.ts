/** Nested types come back, empty and null parts too: see spec.md. */

import { all, cells, type Facts, type Run } from "../../drivers/typescript/support.js";

const COLUMNS =
  "k INT KEY, a ARRAY<ARRAY<BIGINT>>, m MAP<STRING, DECIMAL(10, 2)>, s STRUCT<x INT, tags ARRAY<STRING>, at TIMESTAMP>, l ARRAY<STRUCT<d DOUBLE>>";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const table = run.name("t");
  await client.createStream(table, COLUMNS);
  const at = new Date("2024-02-29T12:00:00.123Z");
  const full = {
    ...{ k: 1, a: [[1n, -(2n ** 63n)], []], m: new Map([["é", "1.5"], ["", "-0.01"]]), s: { x: 1, tags: ["a", ""], at } },
    ...{ l: [{ d: 1.5 }, { d: -0.25 }] },
  };
  const empty = { k: 2, a: [], m: new Map(), s: { tags: [] }, l: [] };
  const holes = { k: 3, a: [null, [null]], m: { k: null }, s: { tags: [null] }, l: [null, { d: null }] };
  await client.append(table, [full, empty, holes, { k: 4 }]);
  const found = await all(client.subscribe(table, { start: "earliest", until: "end" }));
  return Object.fromEntries(found.map((row) => [row.get("k"), cells(row)]));
}
