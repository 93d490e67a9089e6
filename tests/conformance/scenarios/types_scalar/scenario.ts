/** Every scalar type comes back, extremes too: see spec.md. */

import { all, cells, type Facts, type Run } from "../../drivers/typescript/support.js";

const COLUMNS = "k INT KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, p DECIMAL(38, 10), s STRING, y BYTES, da DATE, ti TIME, ts TIMESTAMP";
const MOST = "9999999999999999999999999999.9999999999";

export default async function scenario(run: Run): Promise<Facts> {
  const { client } = run;
  const table = run.name("t");
  await client.createStream(table, COLUMNS);
  const largest = {
    ...{ k: 1, b: true, i: 2 ** 31 - 1, l: 2n ** 63n - 1n, d: Number.MAX_VALUE, p: MOST, s: "\0 é 😀", y: new Uint8Array([0, 255]) },
    ...{ da: "9999-12-31", ti: "23:59:59.999", ts: new Date("9999-12-31T23:59:59.999Z") },
  };
  const smallest = {
    ...{ k: 2, b: false, i: -(2 ** 31), l: -(2n ** 63n), d: Number.MIN_VALUE, p: `-${MOST}`, s: "x", y: new Uint8Array([0]) },
    ...{ da: "1582-10-15", ti: "00:00", ts: new Date(-1) },
  };
  const zero = {
    ...{ k: 4, b: false, i: 0, l: 0n, d: 0, p: 0, s: "", y: new Uint8Array(), da: "1970-01-01", ti: "00:00:00.001", ts: new Date(1) },
  };
  await client.append(table, [largest, smallest, { k: 3 }, zero]);
  const found = await all(client.subscribe(table, { start: "earliest", until: "end" }));
  return Object.fromEntries(found.map((row) => [row.get("k"), cells(row)]));
}
