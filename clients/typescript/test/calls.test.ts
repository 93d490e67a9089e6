/** Errors, repeats, deadlines, metadata and closing, against a scripted service. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { context, propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import { Client, ClosedError, errors, PenstockError, Topology, UnreachableError } from "@penstock/client";
import { Code } from "@connectrpc/connect";
import type { AppendRequest } from "../src/gen/penstock/v1/append_service_pb.js";
import type { GetRequest } from "../src/gen/penstock/v1/lookup_service_pb.js";
import type { RestoreRegistryRequest } from "../src/gen/penstock/v1/registry_service_pb.js";
import { FakeService, fails, refusal, SPEND_SCHEMA, spendRows, status } from "./fake.js";

const QUICK = { retry: { attempts: 4, firstMs: 10, longestMs: 20 }, timeoutMs: 5000 };
const GONE = refusal(Code.Unavailable, "NOT_SERVING", "restoring");
let service: FakeService;
let client: Client;

beforeEach(async () => {
  service = await FakeService.start();
  client = new Client(service.address, QUICK);
});

afterEach(async () => {
  await client.close();
  await service.stop();
});

async function caught(call: Promise<unknown>): Promise<PenstockError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PenstockError, `${error}`);
  return error;
}

test("a reason becomes its class", async () => {
  service.on("getTopology", fails(refusal(Code.NotFound, "UNKNOWN_TOPOLOGY", "no topology x", { metadata: { topology: "x" } })));
  const error = await caught(client.topology("x"));
  assert.ok(error instanceof errors.UnknownTopologyError);
  assert.deepEqual([error.name, error.reason, error.code, error.message], ["UnknownTopologyError", "UNKNOWN_TOPOLOGY", "NOT_FOUND", "no topology x"]);
  assert.deepEqual({ ...error.metadata }, { topology: "x" });
});

test("an expression error has its place", async () => {
  const place = { field: "topology.nodes[1].filter.where", node: "f", start: 3, end: 4, message: "unexpected )" };
  service.on("registerTopology", fails(refusal(Code.InvalidArgument, "INVALID_EXPRESSION", "unexpected )", { place })));
  const error = await caught(client.registerTopology(new Topology("t")));
  assert.ok(error instanceof errors.InvalidExpressionError);
  assert.deepEqual(error.expression, place);
});

test("a reason of a newer service is the root class", async () => {
  service.on("getTopology", fails(refusal(Code.Aborted, "SOMETHING_NEW", "hm")));
  const error = await caught(client.topology("x"));
  assert.deepEqual([error.constructor, error.reason], [PenstockError, "SOMETHING_NEW"]);
});

test("unavailable is repeated, and not before the service wants it", async () => {
  const later = refusal(Code.Unavailable, "NOT_SERVING", "restoring", { retryMs: 120 });
  service.on("getTopology", fails(GONE), fails(later), () => ({ topology: { topology: { name: "t" } } }));
  const began = performance.now();
  assert.equal((await client.topology("t")).name, "t");
  assert.equal(service.of("getTopology").length, 3);
  assert.ok(performance.now() - began >= 120);
});

test("a deletion is not repeated, an append only with a producer", async () => {
  service.on("deleteTopology", fails(GONE));
  assert.ok((await caught(client.deleteTopology("t"))) instanceof errors.NotServingError);
  assert.equal(service.of("deleteTopology").length, 1);
  service.on("append", fails(GONE));
  assert.ok((await caught(client.append("spend", { customer: "a" }))) instanceof errors.NotServingError);
  assert.equal(service.of("append").length, 1);
  service.on("append", fails(GONE), () => ({ ack: { appended: 1, position: { value: "p" } } }));
  assert.equal((await client.append("spend", { customer: "a" }, { producerId: "me", sequence: 1 })).position, "p");
  assert.equal(service.of("append").length, 3);
});

test("nobody there is unreachable; of several addresses one that answers is used", async () => {
  const nobody = new Client("127.0.0.1:1", QUICK);
  assert.ok((await caught(nobody.cluster())) instanceof UnreachableError);
  const several = new Client(["127.0.0.1:1", service.address], QUICK);
  service.on("describeCluster", () => ({ serviceId: "penstock" }));
  assert.equal((await several.cluster()).serviceId, "penstock");
  assert.equal(several.address, service.address);
  await several.close();
});

test("a call goes on when its connection breaks", async () => {
  service.on(
    "describeCluster",
    async () => {
      service.breakConnections();
      await sleep(50);
    },
    () => ({ serviceId: "penstock" }),
  );
  assert.equal((await client.cluster()).serviceId, "penstock");
});

test("the deadline holds", async () => {
  service.on("describeCluster", () => sleep(600));
  const began = performance.now();
  assert.ok((await caught(client.cluster({ timeoutMs: 100 }))) instanceof errors.DeadlineExceededError);
  assert.ok(performance.now() - began < 500);
});

test("a backup comes and goes in parts, within the deadline", async () => {
  service.on("backupRegistry", async function* () {
    yield { chunk: new Uint8Array([1, 2]) };
    yield { chunk: new Uint8Array([3]) };
  } as never);
  assert.deepEqual(await client.backupRegistry(), new Uint8Array([1, 2, 3]));
  const sizes: unknown[] = [];
  service.on("restoreRegistry", async (requests: AsyncIterable<RestoreRegistryRequest>) => {
    for await (const { message } of requests) {
      sizes.push(message.case === "chunk" ? message.value.length : message.value?.replace);
    }
    return { topologies: ["t"], position: { value: "p" } };
  });
  const { topologies, position } = await client.restoreRegistry(new Uint8Array((1 << 20) + 5), { replace: true });
  assert.deepEqual([sizes, topologies, position], [[true, 1 << 20, 5], ["t"], "p"]);
  service.on("restoreRegistry", () => sleep(600));
  assert.ok((await caught(client.restoreRegistry(new Uint8Array(1), { timeoutMs: 100 }))) instanceof errors.DeadlineExceededError);
});

test("a signal ends a call with its reason", async () => {
  service.on("describeCluster", () => sleep(600));
  const reason = new Error("no longer wanted");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 30);
  await assert.rejects(client.cluster({ signal: controller.signal }), reason);
  await assert.rejects(client.cluster({ signal: controller.signal }), reason);
});

test("close ends calls at once", async () => {
  service.on("describeCluster", () => sleep(1000));
  const call = caught(client.cluster());
  await sleep(30);
  const began = performance.now();
  await client.close();
  assert.ok((await call) instanceof ClosedError);
  assert.ok((await caught(client.cluster())) instanceof ClosedError);
  await client.close();
  assert.ok(performance.now() - began < 300);
});

test("token, metadata and the trace context go with a call", async () => {
  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  propagation.setGlobalPropagator({
    inject: (_context, carrier, setter) => setter.set(carrier, "traceparent", parent),
    extract: () => ROOT_CONTEXT,
    fields: () => ["traceparent"],
  });
  assert.ok(context.active());
  let tokens = 0;
  const secured = new Client(service.address, { token: () => `t${++tokens}`, headers: { "x-app": "till" } });
  service.on("describeCluster", () => ({}));
  await secured.cluster();
  await secured.cluster({ headers: { "x-call": "7" } });
  propagation.disable();
  const sent = ["authorization", "x-app", "x-call", "traceparent"].map((name) => service.headers.get(name));
  assert.deepEqual(sent, ["Bearer t2", "till", "7", parent]);
  await secured.close();
  await assert.rejects(new Client("example.org:7550", { token: "t" }).cluster(), /plain text/);
});

test("rows are sent typed", async () => {
  service.on("append", () => ({ ack: { appended: 2 } }));
  await client.append("spend", [{ customer: "a", TOTAL: 1.5 }, { Customer: "b", rowtime: 17 }]);
  const [request] = service.of<AppendRequest>("append");
  const content = request?.batch?.content;
  assert.ok(content?.case === "rows");
  assert.deepEqual(content.value.columns, ["CUSTOMER", "TOTAL", "ROWTIME"]);
  const [customers, totals] = content.value.batch?.columns ?? [];
  assert.deepEqual((customers?.data.value as { values: string[] }).values, ["a", "b"]);
  assert.deepEqual(totals?.validity, new Uint8Array([1]));
});

test("a wrong row is refused before it is sent", async () => {
  await assert.rejects(client.append("spend", { prize: 1 }), new RangeError("spend has no column prize; there are CUSTOMER, TOTAL, ROWTIME"));
  await assert.rejects(client.append("spend", [{ total: 1 }, { total: "x" }]), { name: "TypeError", message: /^row 1, column TOTAL DOUBLE: expected a number/ });
  assert.equal(service.of("append").length, 0);
});

test("rows as JSON", async () => {
  service.on("append", () => ({ ack: { appended: 1 } }));
  await client.append("spend", { customer: "ä", total: 1.5, big: 2n ** 60n, at: new Date(0), raw: new Uint8Array([1]) }, { asJson: true });
  const content = service.of<AppendRequest>("append")[0]?.batch?.content;
  const text = '{"customer":"ä","total":1.5,"big":1152921504606846976,"at":"1970-01-01T00:00:00.000Z","raw":"AQ=="}';
  assert.deepEqual(content?.case === "json" ? content.value.rows : [], [text]);
});

test("refused rows are thrown and skipped ones are told", async () => {
  const rowErrors = [{ row: 1, error: status(Code.InvalidArgument, "INVALID_ROW", "TOTAL is no number") }];
  service.on("append", () => ({ ack: { rowErrors, appended: 1 } }));
  const error = await caught(client.append("spend", { customer: "a" }));
  assert.ok(error instanceof errors.InvalidRowError);
  assert.equal(error.message, "row 1: TOTAL is no number");
  const { appended, rowErrors: told } = await client.append("spend", { customer: "a" }, { skipInvalid: true });
  assert.deepEqual([appended, told[0]?.row, told[0]?.reason], [1, 1, "INVALID_ROW"]);
});

test("lookups say how fresh and which columns", async () => {
  service.on("get", () => ({ schema: SPEND_SCHEMA, rows: spendRows(["a", 2]), position: { value: "p2" } }));
  const row = await client.get<{ CUSTOMER: string; TOTAL: number }>("spend", "a", {
    columns: ["total"],
    atLeast: ["p1", { topic: "t", partition: 1, offset: 9 }, ""],
    maxWaitMs: 1500,
  });
  assert.deepEqual([row?.value, row?.get("total"), row?.position, row?.deleted], [{ CUSTOMER: "a", TOTAL: 2 }, 2, "p2", false]);
  const [request] = service.of<GetRequest>("get");
  const level = request?.consistency?.level;
  assert.ok(level?.case === "atLeast");
  assert.deepEqual(level.value.positions.map(({ value }) => value), ["p1"]);
  assert.deepEqual([level.value.offsets[0]?.offset, level.value.maxWait?.seconds, level.value.maxWait?.nanos], [9n, 1n, 500_000_000]);
  await assert.rejects(client.get("spend", "a", { atLeast: "p", staleMs: 1 }), TypeError);
  service.on("get", () => ({ schema: SPEND_SCHEMA }));
  assert.equal(await client.get("spend", "none"), undefined);
});

test("a scan goes on after its cursor and stops at its limit", async () => {
  const part = (cursor: string, ...rows: [string, number][]) => ({ schema: SPEND_SCHEMA, rows: spendRows(...rows), cursor });
  service.on(
    "scan",
    async function* () {
      yield part("c1", ["a", 1], ["b", 2]);
      throw GONE;
    },
    async function* (request: { cursor: string }) {
      assert.equal(request.cursor, "c1");
      yield part("c2", ["c", 3], ["d", 4]);
      yield { position: { value: "end" } };
    },
  );
  const scan = client.scan("spend", { limit: 3 });
  const found: unknown[] = [];
  for await (const row of scan) {
    found.push(row.get("customer"));
  }
  assert.deepEqual(found, ["a", "b", "c"]);
  assert.equal(scan.cursor, "c2");
});

test("a lookup goes to the owner that an answer named, and back when that is gone", async () => {
  const owner = await FakeService.start();
  const { address } = owner;
  const found = { schema: SPEND_SCHEMA, rows: spendRows(["a", 2]), position: { value: "p" } };
  service.on("get", () => ({ ...found, owner: address }));
  owner.on("get", () => found);
  const look = async (...keys: string[]) => {
    for (const key of keys) {
      assert.equal((await client.get<{ TOTAL: number }>("spend", key))?.value.TOTAL, 2);
    }
    return [service.of("get").length, owner.of("get").length];
  };
  assert.deepEqual(await look("a", "a", "b", "a"), [2, 2], "the first of each key is passed on, the others go straight");
  await owner.stop();
  assert.deepEqual(await look("a", "a", "b"), [5, 2], "nobody goes back to a node that is gone, though answers still name it");
});

test("an owner that says nothing is waited for once", async () => {
  const owner = await FakeService.start();
  const found = { schema: SPEND_SCHEMA, rows: spendRows(["a", 2]), position: { value: "p" } };
  service.on("get", () => ({ ...found, owner: owner.address }));
  owner.on("get", () => new Promise(() => {}));
  for (let time = 0; time < 4; time++) {
    assert.equal((await client.get<{ TOTAL: number }>("spend", "a"))?.value.TOTAL, 2);
  }
  assert.deepEqual([service.of("get").length, owner.of("get").length], [4, 1]);
  await owner.stop();
});
