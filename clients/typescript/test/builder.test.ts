/** Topologies written in TypeScript as messages. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "@bufbuild/protobuf";
import { hopping, session, sliding, Topology, tumbling } from "@penstock/client";
import { TopologySchema } from "../src/gen/penstock/v1/topology_pb.js";

function nodes(topology: Topology): any[] {
  return (toJson(TopologySchema, topology.message()) as any).nodes;
}

test("names come from operators and their numbers", () => {
  const t = new Topology("shop", { commitInterval: 50, onBadRecord: "SKIP", labels: { team: "a" } });
  const s = t.stream("purchases");
  s.filter("price > 100").filterNot("a").select("item", { double_price: "price * 2" }).to("expensive");
  s.groupBy("customer").aggregate({ total: "SUM(price)" }, { name: "sums" }).to("a.b");
  assert.deepEqual(
    nodes(t).map(({ name, inputs = [] }) => [name, ...inputs]),
    [
      ["purchases"],
      ["filter", "purchases"],
      ["filter_2", "filter"],
      ["select", "filter_2"],
      ["expensive_sink", "select"],
      ["group_by", "purchases"],
      ["sums", "group_by"],
      ["a_b_sink", "sums"],
    ],
  );
  const json = toJson(TopologySchema, t.message()) as Record<string, unknown>;
  assert.deepEqual([json["name"], json["labels"]], ["shop", { team: "a" }]);
  assert.deepEqual(json["settings"], { commitInterval: "0.050s", onBadRecord: "ON_BAD_RECORD_SKIP" });
  assert.deepEqual(nodes(t)[3].select.columns, [{ expression: "item" }, { expression: "price * 2", alias: "double_price" }]);
});

test("sources", () => {
  const t = new Topology("t");
  t.stream("log", { columns: "SERVICE STRING KEY, `a b` DECIMAL(10, 2)", start: "latest", time: { column: "at", onBadTime: "SKIP" } });
  t.streams({ pattern: "log-.*", columns: { x: "INT" }, start: new Date(0) });
  t.table("cars", { history: { hours: 1 } });
  t.globalTable("stores");
  const [log, several, cars, stores] = nodes(t);
  const inline = log.sourceStream.origin.inline;
  assert.deepEqual(inline.schema.columns, [
    { name: "SERVICE", type: { sql: "STRING" }, role: "COLUMN_ROLE_KEY" },
    { name: "a b", type: { sql: "DECIMAL(10, 2)" }, role: "COLUMN_ROLE_VALUE" },
  ]);
  assert.deepEqual(inline.topic, { topic: "log", create: {} });
  assert.deepEqual(log.sourceStream.time, { column: "at", onBadTime: "ON_BAD_TIME_SKIP" });
  assert.deepEqual(log.sourceStream.origin.start, { latest: true });
  assert.deepEqual([several.name, several.sourceStream.origin.topics.pattern], ["source", "log-.*"]);
  assert.deepEqual(several.sourceStream.origin.start, { atTime: "1970-01-01T00:00:00Z" });
  assert.equal(cars.sourceTable.history, "3600s");
  assert.equal(stores.globalTable.origin.relation, "stores");
  assert.throws(() => t.stream("x", { columns: "price" }), /"price" is no column/);
  assert.throws(() => t.stream("x", { binding: {} }), /give columns too/);
});

test("what nodes may have besides", () => {
  const t = new Topology("t");
  const hourly = t.stream("hourly", { columns: "k STRING KEY, n INT", window: tumbling({ hours: 1 }) });
  hourly.explodeAs({ name: "parts" }, "EXPLODE(xs) AS x").partitionByAs({ name: "by_x" }, "x").mergeAs({ name: "all" }, hourly);
  hourly.to("sums", { insert: true, binding: { retention: { days: 1 } } });
  t.table("cars").suppress({ seconds: 5 }, { maxRecords: 10, whenFull: "STOP" });
  const outputs = { alerts: "k STRING KEY, since BIGINT" };
  const stores = { seen: "n BIGINT" };
  const silent = hourly.processRemotely("silence", outputs, { stores, keepsKey: true, timers: true, bundleTimeout: { seconds: 9 }, name: "silent" });
  silent.output("alerts").to("alerts");
  const byName = new Map(nodes(t).map((node) => [node.name, node]));
  assert.deepEqual(byName.get("hourly").sourceStream.origin.inline.window, { kind: "WINDOW_KIND_TUMBLING", size: "3600s" });
  assert.deepEqual(byName.get("all").inputs, ["by_x", "hourly"]);
  assert.deepEqual(byName.get("sums_sink").sink, { relation: "sums", insert: true, topic: { create: { retention: "86400s" } } });
  assert.deepEqual(byName.get("suppress").suppress, { timeLimit: "5s", maxRecords: "10", whenFull: "WHEN_FULL_STOP" });
  const { remoteProcessor } = byName.get("silent");
  assert.deepEqual([remoteProcessor.processor, remoteProcessor.timers, remoteProcessor.bundleTimeout], ["silence", true, "9s"]);
  assert.deepEqual(remoteProcessor.outputs[0].keepsKey, true);
  assert.deepEqual(remoteProcessor.stores[0].schema.columns, [{ name: "n", type: { sql: "BIGINT" }, role: "COLUMN_ROLE_VALUE" }]);
  assert.deepEqual(byName.get("alerts_sink").inputs, ["silent.alerts"]);
});

test("joins, branches, windows and folds", () => {
  const t = new Topology("t");
  const [left, right] = [t.stream("l"), t.stream("r")];
  const table = t.table("cards");
  left.joinStream(right, { kind: "FULL", within: 500, after: { seconds: 2 }, columns: ["l.x", { y: "r.y" }] });
  left.leftJoin(table);
  table.join(t.table("owners"), { foreignKey: "owner" }).suppress("window_close").toStream();
  left.joinGlobal(t.globalTable("stores"), { keys: "store" });
  const routed = left.branch({ big: "x > 1", small: "x > 0" }, { rest: "others" });
  routed.big.merge(routed.small, routed.others).toTable();
  left.groupBy().window(hopping({ minutes: 2 }, { minutes: 1 }, { grace: 0 })).count();
  left.groupBy().window(session({ seconds: 5 })).reduce({ x: "acc.x + row.x" });
  left.groupBy("k").window(sliding(10)).cogroup([right.groupBy("k")], { n: { init: "0", add: ["acc.n + 1", ""] } });
  const byName = new Map(nodes(t).map((node) => [node.name, node]));
  const joined = byName.get("join").streamStreamJoin;
  assert.deepEqual([joined.kind, joined.before, joined.after], ["JOIN_KIND_FULL", "0.500s", "2s"]);
  assert.deepEqual(joined.columns, [{ expression: "l.x" }, { expression: "r.y", alias: "y" }]);
  assert.equal(byName.get("join_2").streamTableJoin.kind, "JOIN_KIND_LEFT");
  assert.equal(byName.get("join_3").tableTableJoin.foreignKey, "owner");
  assert.equal(byName.get("suppress").suppress.windowCloses, true);
  assert.deepEqual(byName.get("join_4").streamGlobalJoin.keys, ["store"]);
  assert.deepEqual(byName.get("merge").inputs, ["branch.big", "branch.small", "branch.others"]);
  const hop = byName.get("aggregate").aggregate;
  assert.deepEqual(hop.window, { kind: "WINDOW_KIND_HOPPING", size: "120s", advance: "60s", grace: "0s" });
  assert.deepEqual(hop.columns, [{ expression: "COUNT(*)", alias: "COUNT" }]);
  assert.deepEqual(byName.get("aggregate_2").aggregate.accumulators, [{ name: "x", add: ["acc.x + row.x"] }]);
  assert.deepEqual(byName.get("cogroup").inputs, ["group_by_3", "group_by_4"]);
  assert.deepEqual(byName.get("cogroup").aggregate.accumulators, [{ name: "n", init: "0", add: ["acc.n + 1", ""] }]);
  assert.equal(tumbling({ days: 1 }).size?.seconds, 86_400n);
});
