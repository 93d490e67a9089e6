/** The client against a real node, whose address PENSTOCK_ADDRESS says: what the scripted service cannot show. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client, errors, type TimerHandler, Topology, tumbling, Worker } from "@penstock/client";

const ADDRESS = process.env["PENSTOCK_ADDRESS"] ?? "";
const DAY = new Date("2024-01-01T00:00:00Z");

describe("a real node", { skip: ADDRESS === "" ? "PENSTOCK_ADDRESS says no node" : false }, () => {
  let client: Client;

  before(async () => {
    client = new Client(ADDRESS);
    await client.createStream("sales", "customer STRING KEY, item STRING, price DOUBLE", { partitions: 2 });
    const till = new Topology("till");
    const sales = till.stream("sales");
    sales.groupBy().aggregate({ total: "SUM(price)" }).to("revenue");
    sales.groupBy("item").window(tumbling({ minutes: 1 })).aggregate({ n: "COUNT(*)" }, { name: "minutes" }).to("totals");
    const registered = await client.registerTopology(till, { waitMs: 30_000 });
    assert.equal(registered.state, "RUNNING");
  });

  after(() => client.close());

  test("every type comes back", async () => {
    await client.createStream(
      "everything",
      "k BIGINT KEY, b BOOLEAN, i INT, d DOUBLE, dec DECIMAL(10, 2), s STRING, raw BYTES, da DATE, ti TIME, ts TIMESTAMP, a ARRAY<INT>, " +
        "m MAP<STRING, BIGINT>, st STRUCT<X INT, Y STRING>",
    );
    const row = {
      k: -(2n ** 63n),
      b: true,
      i: -3,
      d: 1.5,
      dec: "12.30",
      s: "hä",
      raw: new Uint8Array([0, 255]),
      da: "2024-02-29",
      ti: "01:02:03.004",
      ts: new Date("2024-01-01T00:00:00.123Z"),
      a: [1, null, 3],
      m: new Map([
        ["a", 2n ** 63n - 1n],
        ["b", null],
      ]),
      st: { X: 1, Y: null },
    };
    await client.append("everything", [{ ...row, ROWTIME: DAY }, { k: 8 }]);
    await client.append("everything", { k: 9, dec: 1.25, ts: DAY, raw: new Uint8Array([97, 98, 99]) }, { asJson: true });
    const got = new Map<bigint, Record<string, unknown>>();
    for await (const one of client.subscribe("everything", { start: "earliest", until: "end" })) {
      got.set(one.get("k") as bigint, one.value);
    }
    assert.deepEqual(got.get(row.k), { ...row, ROWTIME: BigInt(DAY.getTime()) });
    const { k: _k, ROWTIME: _rowtime, ...nulls } = got.get(8n) ?? {};
    assert.deepEqual(new Set(Object.values(nulls)), new Set([null]));
    const { dec, ts, raw } = got.get(9n) ?? {};
    assert.deepEqual([dec, ts, raw], ["1.25", DAY, new Uint8Array([97, 98, 99])]);
  });

  test("an answer includes the write", async () => {
    for (let number = 1; number < 20; number++) {
      const { position } = await client.append("sales", { customer: "ryw", price: 1 });
      const row = await client.get<{ total: number }>("revenue", "ryw", { atLeast: position, maxWaitMs: 20_000 });
      assert.equal(row?.value.total, number);
    }
  });

  test("windows", async () => {
    const rows = Array.from({ length: 12 }, (_, n) => ({
      customer: "w",
      item: `i${n % 2}`,
      price: 1,
      rowtime: new Date(DAY.getTime() + 20_000 * n),
    }));
    const { position } = await client.append("sales", rows);
    const found = await client.getWindows("totals", "i0", {
      startFrom: new Date(DAY.getTime() + 60_000),
      atLeast: position,
      maxWaitMs: 20_000,
    });
    assert.deepEqual(found.column("n"), [1n, 2n, 1n]);
    const several = await client.batchGet("totals", [
      ["i0", DAY],
      ["none", DAY],
      ["i1", DAY],
    ]);
    assert.deepEqual(
      several.map((row) => row?.get("n")),
      [2n, undefined, 1n],
    );
    await assert.rejects(client.get("totals", "i0"), /use getWindows/);
  });

  test("a scan and what follows it", async () => {
    const rows = Array.from({ length: 50 }, (_, n) => ({ customer: `s${n}`, price: n }));
    const { position } = await client.append("sales", rows);
    const scan = client.scan("revenue", {
      where: "total > :least",
      parameters: { least: 10 },
      atLeast: position,
      maxWaitMs: 20_000,
    });
    const found = new Map<string, number>();
    for await (const row of scan) {
      if (row.get("customer").startsWith("s")) {
        found.set(row.get("customer"), row.get("total"));
      }
    }
    assert.equal(found.size, 39);
    await client.append("sales", { customer: "s1", price: 100 });
    for await (const row of client.subscribe("revenue", { start: scan.position, where: "customer = 's1'" })) {
      assert.equal(row.get("total"), 101);
      break;
    }
  });

  test("a table is whole when it has caught up", async () => {
    const seen = new Map<string, number>();
    for await (const event of client.subscribe("revenue").events()) {
      if (event.type === "batch") {
        for (const row of event) {
          seen.set(row.get("customer"), row.get("total"));
        }
      } else if (event.type === "caughtUp") {
        break;
      }
    }
    const scanned = new Map<string, number>();
    for await (const row of client.scan("revenue")) {
      scanned.set(row.get("customer"), row.get("total"));
    }
    assert.deepEqual(seen, scanned);
  });

  test("many batches on their way, each once", async () => {
    await client.createStream("numbers", "k BIGINT KEY, n BIGINT");
    const appender = await client.appender("numbers", { producerId: "desk" });
    for (let n = 0; n < 200; n++) {
      await appender.append({ k: n, n: n * n });
    }
    const position = await appender.flush();
    assert.equal(appender.appended, 200);
    await appender.close();
    let sum = 0n;
    for await (const row of client.subscribe("numbers", { start: "earliest", until: position })) {
      sum += row.get("n") as bigint;
    }
    assert.equal(sum, 2_646_700n);
    const later = await client.appender("numbers", { producerId: "desk" });
    assert.equal(later.lastSequence, 200n);
    await later.close();
  });

  test("a worker serves processors with timers, and functions", async () => {
    await client.createFunction("TS_SCORE", "STRING, BIGINT -> BIGINT", { deterministic: true, cacheRows: 100, description: "The score." });
    assert.deepEqual((await client.function("ts_score")).signatures, ["TS_SCORE(STRING, BIGINT) -> BIGINT"]);
    await client.createStream("bids", "k STRING KEY, n BIGINT", { partitions: 2 });
    const quiet = new Topology("quiet");
    const scored = quiet.stream("bids").select({ n: "n", score: "TS_SCORE(k, n)" });
    scored
      .processRemotely("ts_quiet", { alerts: "k STRING KEY, bids BIGINT, score BIGINT" }, { stores: { seen: "bids BIGINT, score BIGINT" }, timers: true, keepsKey: true })
      .output("alerts")
      .to("quiet_bids");
    await client.registerTopology(quiet, { waitMs: 30_000 });
    const handler: TimerHandler = {
      processRow(row, context) {
        const before = context.state("seen") ?? { bids: 0n, score: 0n };
        context.put("seen", { bids: before["bids"] + 1n, score: before["score"] + row.get("score") });
        context.setTimer(Date.now(), { name: "quiet", clock: "WALL_CLOCK" });
      },
      onTimer(timer, context) {
        if (timer.name === "quiet") {
          context.send("alerts", { ...context.state("seen") });
        }
      },
    };
    const worker = new Worker(ADDRESS, { ts_quiet: handler }, { functions: { ts_score: (text: string, n: bigint) => BigInt(text.length) * n } });
    const serving = worker.run();
    await client.append("bids", [{ k: "abc", n: 2 }, { k: "abc", n: 5 }]);
    for await (const row of client.subscribe("quiet_bids", { start: "earliest" })) {
      if (row.get("bids") === 2n) {
        assert.equal(row.get("score"), 21n);
        break;
      }
    }
    await worker.close();
    await serving;
    await client.deleteTopology("quiet");
    await client.dropFunction("TS_SCORE");
    await assert.rejects(client.function("TS_SCORE"), errors.UnknownFunctionError);
  });

  test("SQL", async () => {
    const [created] = await client.sql("CREATE STREAM clicks (who STRING KEY, page STRING) WITH (kafka_topic='clicks', partitions=1, value_format='JSON');");
    assert.equal(created?.relation?.name, "CLICKS");
    const [counted] = await client.sql("CREATE TABLE pages AS SELECT page, COUNT(*) AS n FROM clicks GROUP BY page;");
    assert.equal(counted?.topology?.state, "RUNNING");
    const { position } = await client.append("CLICKS", [{ who: "a", page: "x" }, { who: "b", page: "x" }]);
    const rows = [];
    for await (const row of client.query("SELECT * FROM pages WHERE page = :page;", { parameters: { page: "x" }, atLeast: position })) {
      rows.push(row.value);
    }
    assert.deepEqual(rows, [{ PAGE: "x", N: 2n }]);
    const [listed] = await client.sql("SHOW STREAMS;");
    assert.ok(listed?.rows?.column("name").includes("CLICKS"));
  });

  const refusals: [string, (client: Client) => Promise<unknown>, new (message: string) => Error][] = [
    ["an unknown relation", (c) => c.get("nothing", "x"), errors.UnknownRelationError],
    ["a stream", (c) => c.get("sales", "x"), errors.NotATableError],
    ["a wrong key", (c) => c.get("revenue", true), errors.InvalidKeyError],
    ["a token that is none", (c) => c.get("revenue", "x", { atLeast: "garbage" }), errors.MalformedTokenError],
    ["a subscription after a token that is none", (c) => first(c.subscribe("revenue", { start: "garbage" })), errors.MalformedTokenError],
    ["an unknown column", (c) => first(c.scan("revenue", { where: "totl > 1" })), errors.UnknownColumnError],
    ["no expression", (c) => first(c.scan("revenue", { where: "total >" })), errors.InvalidExpressionError],
    ["a relation in use", (c) => c.dropRelation("sales"), errors.RelationInUseError],
    ["a read-only relation", (c) => c.append("revenue", { customer: "x" }), errors.RelationReadOnlyError],
    ["an invalid row", (c) => c.append("sales", { price: "x" }, { asJson: true }), errors.InvalidRowError],
    ["a large row", (c) => c.append("sales", { customer: "x".repeat(2_000_000) }), errors.RowTooLargeError],
    ["a large request", (c) => c.append("sales", { customer: "x".repeat(5_000_000) }), errors.RequestTooLargeError],
    ["a gap", (c) => c.append("sales", { customer: "x" }, { producerId: "gap", sequence: 5 }), errors.SequenceGapError],
    ["an unknown topology", (c) => c.topology("nothing"), errors.UnknownTopologyError],
    ["an unknown function", (c) => c.function("nothing"), errors.UnknownFunctionError],
    ["a topology that runs", (c) => c.resetTopology("till"), errors.TopologyNotPausedError],
    ["bad SQL", (c) => c.sql("SELEC 1;"), errors.InvalidExpressionError],
  ];
  for (const [name, call, error] of refusals) {
    test(`refused: ${name}`, () => assert.rejects(call(client), error));
  }
});

async function first(rows: AsyncIterable<unknown>): Promise<unknown> {
  for await (const row of rows) {
    return row;
  }
  return undefined;
}
