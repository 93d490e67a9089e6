/** Handlers, tried without a service, and the answers that are made of what they did. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { BadRows, type Handler, RetryBundle, type RowHandler, trial, type TrialOptions } from "@penstock/client";
import { Bundle, ProcessorNode } from "../src/bundle.js";
import { ProcessorNodeSchema, BundleSchema, TimerClock } from "../src/gen/penstock/v1/processor_service_pb.js";
import { RowBatchSchema, RowKind, type RowBatch } from "../src/gen/penstock/v1/row_pb.js";
import { ColumnRole, TypeKind } from "../src/gen/penstock/v1/types_pb.js";
import { functionMessage } from "../src/declare.js";
import { results } from "../src/functions.js";
import { process } from "../src/processing.js";
import { Batch, RowSchema } from "../src/row.js";
import { encodeBatch } from "../src/rows.js";

/** Adds up prices by customer. */
const running: RowHandler = (row, context) => {
  const price = row.get("price");
  if (typeof price !== "bigint") {
    throw new RangeError(`no price for ${context.key[0]}`);
  }
  const total = price + ((context.state("totals")?.["TOTAL"] as bigint | undefined) ?? 0n);
  context.put("totals", { total });
  context.send("sums", { total });
};

const SHOP: TrialOptions = {
  columns: "CUSTOMER STRING KEY, PRICE BIGINT",
  outputs: { sums: "CUSTOMER STRING KEY, TOTAL BIGINT" },
  stores: { totals: "TOTAL BIGINT" },
  state: { totals: [{ CUSTOMER: "a", TOTAL: 10n }] },
};

test("a handler is tried without a service", async () => {
  const rows = [
    { customer: "a", price: 1n },
    { customer: "b", price: 5n },
    { customer: "a", price: 2n },
  ];
  for (const handler of [running, async (...call: Parameters<RowHandler>) => running(...call)]) {
    const bundle = await trial(handler, rows, SHOP);
    assert.deepEqual(bundle.sent("sums"), [
      { CUSTOMER: "a", TOTAL: 11n },
      { CUSTOMER: "b", TOTAL: 5n },
      { CUSTOMER: "a", TOTAL: 13n },
    ]);
    assert.deepEqual(bundle.state("totals", ["a"]), { CUSTOMER: "a", TOTAL: 13n });
  }
});

test("rows are sent by column", async () => {
  const rows = [{ customer: "a" }, { customer: "b" }, { customer: "c" }];
  const whole = (processBundle: (bundle: Bundle) => void) => trial({ processBundle }, rows, SHOP);
  const mixed = await whole((bundle) => {
    bundle.send("sums", { total: 5 }, 1);
    bundle.sendColumns("sums", { total: [7, null], customer: ["x", undefined] }, [2, 0]);
  });
  assert.deepEqual(mixed.sent("sums"), [
    { CUSTOMER: null, TOTAL: null },
    { CUSTOMER: "b", TOTAL: 5 },
    { CUSTOMER: "x", TOTAL: 7 },
  ]);
  for (const [columns, wrong] of [
    [{ x: [1, 2, 3] }, /no column x/],
    [{ total: [1] }, /1 values for 3 rows/],
  ] as const) {
    await assert.rejects(
      whole((bundle) => bundle.sendColumns("sums", columns)),
      wrong,
    );
  }
});

async function failure(handler: Handler, rows = [{ customer: "a", price: 1n }, { customer: "b" }]) {
  let failed: Awaited<ReturnType<typeof process>>;
  const kept: Handler = {
    async processBundle(bundle) {
      failed = await process(handler, bundle);
    },
  };
  await trial(kept, rows, SHOP);
  return failed;
}

test("what a handler fails on", async () => {
  assert.equal(await failure(() => undefined), undefined);
  const bad = await failure(running);
  assert.deepEqual([bad?.rows, bad?.reason.split("\n")[0]], [[1], "RangeError: no price for b"]);
  const rejected = await failure(async (...call) => running(...call));
  assert.deepEqual(rejected?.rows, [1]);
  const again = await failure(() => {
    throw new RetryBundle("the other service is away");
  });
  assert.deepEqual(again, { rows: [], timers: [], reason: "the other service is away" });
  const whole = await failure({ processBundle: () => Promise.reject(new Error("no database")) });
  assert.deepEqual([whole?.rows, whole?.reason.split("\n")[0]], [[], "Error: no database"]);
  const named = await failure({
    processBundle() {
      throw new BadRows("odd", [0]);
    },
  });
  assert.deepEqual(named?.rows, [0]);
});

test("mistakes of a handler say what there is", async () => {
  const mistakes: [RowHandler, string][] = [
    [(_, context) => context.send("nowhere", null), "trial has no output nowhere; it has sums"],
    [(_, context) => context.put("nowhere", null), "trial has no store nowhere; it has totals"],
    [(_, context) => context.send("sums", { x: 1 }), "output sums has no column x; it has CUSTOMER, TOTAL, ROWTIME"],
    [(_, context) => context.put("totals", { x: 1 }), "store totals has no column x; it has CUSTOMER, TOTAL"],
    [(_, { bundle }) => bundle.send("sums", null, 1), "cause 1 is no row or timer of the bundle, which has 1 and 0"],
    [(_, context) => context.setTimer(-1), "a timer's time is whole milliseconds since 1970, 0 or more, not -1"],
  ];
  for (const [handler, message] of mistakes) {
    await assert.rejects(trial(handler, [{ customer: "a" }], SHOP), ({ message: got }: Error) => got.startsWith(`RangeError: ${message}\n`));
  }
});

test("timers fire before the rows, unless they are cancelled before their turn", async () => {
  const timers = [
    { key: ["a"], at: 1000, name: "first" },
    { key: ["a"], at: 2000, name: "second" },
    { key: ["b"], at: 2000 },
  ];
  const fired: unknown[] = [];
  const handler: Handler = {
    processRow(_, context) {
      fired.push(context.key[0]);
      context.setTimer(new Date(9000), { name: "later", clock: "WALL_CLOCK" });
    },
    onTimer(timer, context) {
      fired.push(timer.at);
      context.cancelTimer({ name: "second" });
      context.send("sums", { total: BigInt(timer.at) });
    },
  };
  const bundle = await trial(handler, [{ customer: "c", price: 1n }], { ...SHOP, timers });
  assert.deepEqual(fired, [1000, 2000, "c"]);
  assert.deepEqual(bundle.sent("sums"), [
    { CUSTOMER: "a", TOTAL: 1000n },
    { CUSTOMER: "b", TOTAL: 2000n },
  ]);
  assert.deepEqual(bundle.changedTimers.at(-1), { timer: { key: ["c"], at: 9000, name: "later", clock: "WALL_CLOCK" }, set: true });
  const failed = await failure(running);
  assert.deepEqual(failed?.timers, []);
});

const column = (name: string, kind: TypeKind, role: ColumnRole) => ({ name, role, type: { kind, sql: TypeKind[kind] } });
const CUSTOMER = column("CUSTOMER", TypeKind.STRING, ColumnRole.KEY);
const TOTAL = column("TOTAL", TypeKind.BIGINT, ColumnRole.VALUE);
const ROWTIME = column("ROWTIME", TypeKind.BIGINT, ColumnRole.META);

test("an answer", async () => {
  const node = ProcessorNode.of(
    create(ProcessorNodeSchema, {
      node: "sum",
      input: { id: 1n, schema: { columns: [CUSTOMER, ROWTIME] } },
      outputs: [{ name: "sums", schema: { id: 2n, schema: { columns: [CUSTOMER, TOTAL, ROWTIME] } } }],
      stores: [{ name: "totals", schema: { id: 3n, schema: { columns: [CUSTOMER, TOTAL] } } }],
      timerKeys: { id: 4n, schema: { columns: [CUSTOMER] } },
    }),
  );
  const text = { kind: "STRING", sql: "STRING" } as const;
  const long = { kind: "BIGINT", sql: "BIGINT" } as const;
  const message = create(BundleSchema, {
    attempt: 1,
    rows: encodeBatch([text, long], [["a", "b"], [5n, 6n]], 2),
    state: [{ name: "totals", rows: encodeBatch([text, long], [["a"], [7n]], 1) }],
    timers: { keys: encodeBatch([text], [["t"]], 1), names: ["silent"], times: [4n], clocks: [TimerClock.STREAM_TIME] },
  });
  const bundle = Bundle.of(node, message);
  assert.deepEqual(bundle.state("totals", ["a"]), { CUSTOMER: "a", TOTAL: 7n });
  bundle.send("sums", { total: 2 }, 1);
  bundle.send("sums", null, 0, { timestamp: new Date(7) });
  bundle.send("sums", { customer: "other", total: 1 }, -1);
  bundle.put("totals", ["a"], null);
  bundle.put("totals", ["b"], { total: 3 });
  bundle.cancelTimer({ key: ["t"], at: 0, name: "silent" });
  bundle.setTimer({ key: ["b"], at: 12, clock: "WALL_CLOCK" });
  const { lease, outputs, state, timers } = bundle.result(3n, 4n);
  const [sums] = outputs!;
  assert.deepEqual([lease, sums!.causes], [3n, [0, 1, 2]]);
  const [{ id, columns }] = [node.outputs.get("sums")!] as [RowSchema];
  const sent = Batch.of(new RowSchema(id, columns, false), sums!.rows as RowBatch);
  assert.deepEqual(sent.columns, [
    ["other", "a", "b"],
    [1n, null, 2n],
    [null, 7n, null],
  ]);
  assert.deepEqual(sent.deleted, [false, true, false]);
  const [totals] = state!;
  assert.deepEqual([totals!.name, totals!.rows!.kinds], ["totals", [RowKind.DELETE, RowKind.UPSERT]]);
  const { keys, ...more } = timers!;
  assert.deepEqual(more, { names: ["silent", ""], times: [0n, 12n], clocks: [TimerClock.STREAM_TIME, TimerClock.WALL_CLOCK] });
  assert.deepEqual(keys!.kinds, [RowKind.DELETE, RowKind.UPSERT]);
  const byColumn = Bundle.of(node, message);
  byColumn.sendColumns("sums", { total: [1, 2n] });
  const [whole] = byColumn.result(3n, 4n).outputs!;
  assert.deepEqual(Batch.of(new RowSchema(id, columns, false), create(RowBatchSchema, whole!.rows)).columns, [
    ["a", "b"],
    [1n, 2n],
    [null, null],
  ]);
  assert.deepEqual(whole!.causes, [1, 2]); // behind the timer
  bundle.send("sums", { total: "x" }, 1);
  assert.throws(() => bundle.result(3n, 4n), /^TypeError: output sums, column TOTAL \(BIGINT\): expected a bigint or a safe whole number, not "x"/);
});

test("functions give results, bad rows, or are tried again", async () => {
  const columns = [
    ["a", "bb", null],
    [2n, 13n, 4n],
  ];
  const score = (text: string | null, price: bigint) => {
    if (price === 13n) {
      throw new RangeError("13 is unlucky");
    }
    return text === null ? null : BigInt(text.length) * price;
  };
  const failed = await results(score, columns, 3);
  assert.ok("reason" in failed);
  assert.deepEqual([failed.rows, failed.reason.split("\n")[0]], [[1], "RangeError: 13 is unlucky"]);
  const luckier = columns.map((values) => values.filter((_, row) => row !== 1));
  assert.deepEqual(await results(score, luckier, 2), [2n, null]);
  assert.deepEqual(await results(async (...row: [string, bigint]) => score(...row), luckier, 2), [2n, null]);
  assert.deepEqual(await results({ compute: ([texts]) => texts! }, luckier, 2), ["a", null]);
  assert.deepEqual(await results({ compute: () => [] }, luckier, 2), { rows: [], timers: [], reason: "compute gave 0 results for 2 rows" });
  const later = () => Promise.reject(new RetryBundle("the other service is away"));
  assert.deepEqual(await results(later, luckier, 2), { rows: [], timers: [], reason: "the other service is away" });
  const { arguments: types, result, timeout, version } = functionMessage("f", "DECIMAL(4, 2), INT -> MAP<STRING, INT>", { timeout: 500 });
  assert.deepEqual([types, result?.sql, timeout?.nanos, version], [[{ sql: "DECIMAL(4, 2)" }, { sql: "INT" }], "MAP<STRING, INT>", 500_000_000, 1]);
  assert.throws(() => functionMessage("f", "INT", {}), /"INT" is no signature: write TYPE, TYPE -> TYPE/);
});

test("keys of any type find their state", async () => {
  const seen: RowHandler = (_, context) => {
    const before = (context.state("seen")?.["N"] as number | undefined) ?? 0;
    context.put("seen", { n: before + 1 });
    context.send("out", { n: before });
  };
  const keys = [
    { day: new Date(5), tags: new Map([["x", 1n], ["y", 2n]]), raw: new Uint8Array([1]) },
    { day: new Date(5), tags: new Map([["y", 2n], ["x", 1n]]), raw: new Uint8Array([1]) },
    { day: new Date(5), tags: new Map([["x", 1n]]), raw: new Uint8Array([1]) },
  ];
  const declared = "DAY TIMESTAMP KEY, TAGS MAP<STRING, BIGINT> KEY, RAW BYTES KEY";
  const bundle = await trial(seen, keys, { columns: declared, outputs: { out: "N INT" }, stores: { seen: "N INT" } });
  assert.deepEqual(bundle.sent("out"), [{ N: 0 }, { N: 1 }, { N: 0 }]);
});
