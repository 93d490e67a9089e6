/** Subscriptions that resume, and appends that are sent again once, against a scripted service. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, errors, type Event } from "@penstock/client";
import { Code } from "@connectrpc/connect";
import type { AppendStreamRequest } from "../src/gen/penstock/v1/append_service_pb.js";
import { EndReason, type SubscribeRequest } from "../src/gen/penstock/v1/subscription_service_pb.js";
import { FakeService, fails, pushes, refusal, rowsEvent, SCHEMA_EVENT } from "./fake.js";

const GONE = refusal(Code.Unavailable, "NOT_SERVING", "restoring");
const COMPLETED = { case: "end", value: { reason: EndReason.COMPLETED, position: { value: "p9" } } } as never;
let service: FakeService;
let client: Client;

beforeEach(async () => {
  service = await FakeService.start();
  client = new Client(service.address, { retry: { attempts: 3, firstMs: 5, longestMs: 10 } });
});

afterEach(async () => {
  await client.close();
  await service.stop();
});

async function all<T>(of: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const one of of) {
    out.push(one);
  }
  return out;
}

function startOf(request: SubscribeRequest | undefined): string {
  const position = request?.start?.position;
  return position?.case === "after" ? position.value.value : "";
}

test("a broken subscription goes on after its last position", async () => {
  service.on(
    "subscribe",
    // What came behind the position comes again.
    pushes(SCHEMA_EVENT, rowsEvent("p1", ["a", 1]), rowsEvent("", ["b", 1]), () => sleep(50), () => service.breakConnections()),
    fails(GONE),
    pushes(SCHEMA_EVENT, rowsEvent("p2", ["b", 1], ["c", 1]), COMPLETED),
  );
  const subscription = client.subscribe("spend", { limit: 5 });
  const events = await all(subscription.events());
  const reconnects = events.filter((event: Event) => event.type === "reconnecting");
  assert.deepEqual(reconnects.map((event) => event.position), ["p1", "p1"]);
  assert.deepEqual(events.filter((event) => event.type === "schema").length, 1);
  const requests = service.of<SubscribeRequest>("subscribe");
  assert.deepEqual(requests.map(startOf), ["", "p1", "p1"]);
  assert.deepEqual(requests.map(({ limit }) => limit), [5n, 4n, 4n]);
  assert.equal(subscription.position, "p9");
});

test("the position moves with the last row of a batch", async () => {
  service.on("subscribe", pushes(SCHEMA_EVENT, rowsEvent("p1", ["a", 1], ["b", 2]), rowsEvent("p2", ["c", 3]), COMPLETED));
  const subscription = client.subscribe("spend");
  const seen: [unknown, string][] = [];
  for await (const row of subscription) {
    seen.push([row.get("customer"), subscription.position]);
  }
  assert.deepEqual(seen, [["a", ""], ["b", "p1"], ["c", "p2"]]);
});

test("with credentials that have expired it goes on with the next ones", async () => {
  const expired = refusal(Code.Unauthenticated, "CREDENTIALS_INVALID", "no principal has this token");
  const broken = () => {
    throw expired;
  };
  service.on(
    "subscribe",
    pushes(SCHEMA_EVENT, rowsEvent("p1", ["a", 1]), broken),
    pushes(SCHEMA_EVENT, rowsEvent("p2", ["b", 1]), { case: "end", value: { reason: EndReason.CREDENTIALS_EXPIRED } } as never),
    pushes(SCHEMA_EVENT, rowsEvent("p3", ["c", 1]), broken),
    fails(expired),
  );
  const seen: unknown[] = [];
  await assert.rejects(async () => {
    for await (const row of client.subscribe("spend")) {
      seen.push(row.get("customer"));
    }
  }, errors.CredentialsInvalidError);
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.deepEqual(service.of<SubscribeRequest>("subscribe").map(startOf), ["", "p1", "p2", "p3"]);
});

test("what a repeat does not help is thrown", async () => {
  service.on("subscribe", fails(refusal(Code.OutOfRange, "POSITION_EXPIRED", "gone", { metadata: { earliest: "e" } })));
  await assert.rejects(all(client.subscribe("spend", { start: "old" })), errors.PositionExpiredError);
  assert.equal(service.of("subscribe").length, 1);
  service.on("subscribe", fails(GONE));
  await assert.rejects(all(client.subscribe("spend")), errors.NotServingError);
  assert.equal(service.of("subscribe").length, 4);
  service.on("subscribe", pushes({ case: "end", value: { reason: EndReason.RELATION_REPLACED, message: "rebuilt" } } as never));
  await assert.rejects(all(client.subscribe("spend")), errors.RelationReplacedError);
});

test("a planned end goes on at the address that it names", async () => {
  const other = await FakeService.start();
  other.on("subscribe", pushes(SCHEMA_EVENT, rowsEvent("p2", ["b", 1]), COMPLETED));
  const draining = { case: "end", value: { reason: EndReason.NODE_DRAINING, position: { value: "p1" }, address: other.address } };
  service.on("subscribe", pushes(SCHEMA_EVENT, rowsEvent("p1", ["a", 1]), draining as never));
  const rows = await all(client.subscribe("spend"));
  assert.deepEqual(rows.map((row) => row.get("customer")), ["a", "b"]);
  assert.equal(startOf(other.of<SubscribeRequest>("subscribe")[0]), "p1");
  await client.close();
  await other.stop();
});

test("close, a signal and leaving the loop end a silent subscription, and the service sees it", async () => {
  const ended: string[] = [];
  const silent = (name: string) =>
    async function* (_request: never, context: { signal: AbortSignal }) {
      yield { event: { event: SCHEMA_EVENT } };
      yield { event: { event: rowsEvent("p1", ["a", 1]) } };
      await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      ended.push(name);
    };
  service.on("subscribe", silent("closed"), silent("aborted"), silent("left"));
  const closed = client.subscribe("spend");
  for await (const row of closed) {
    assert.equal(row.get("total"), 1);
    setTimeout(() => void closed.close(), 20);
  }
  const controller = new AbortController();
  const aborted = client.subscribe("spend", { signal: controller.signal })[Symbol.asyncIterator]();
  await aborted.next();
  setTimeout(() => controller.abort(new Error("enough")), 20);
  await assert.rejects(aborted.next(), /enough/);
  for await (const row of client.subscribe("spend")) {
    assert.equal(row.get("total"), 1);
    break;
  }
  for (let tries = 0; ended.length < 3 && tries < 100; tries++) {
    await sleep(10);
  }
  assert.deepEqual(ended, ["closed", "aborted", "left"]);
});

test("a reader that stops holds little, and holds up no other call of its client", async () => {
  let sent = 0;
  const text = "x".repeat(10_000);
  service.on("subscribe", async function* () {
    yield { event: { event: SCHEMA_EVENT } };
    for (; sent < 2000; sent++) {
      yield { event: { event: rowsEvent(`p${sent}`, [text, 1]) } };
    }
  });
  service.on("describeCluster", () => ({ serviceId: "penstock" }));
  const slow = client.subscribe("spend");
  for await (const row of slow) {
    assert.equal(row.get("total"), 1);
    await sleep(300);
    break;
  }
  const stalled = client.subscribe("spend")[Symbol.asyncIterator]();
  await stalled.next();
  await sleep(300);
  // Of 20 MB what windows and buffers of both sides hold was sent.
  assert.ok(sent < 200, `${sent} messages of 10 kB were sent`);
  assert.equal((await client.cluster({ timeoutMs: 2000 })).serviceId, "penstock");
  await client.close();
});

/** AppendStream of a service that keeps sequences; it breaks the connection instead of each of the first `breaks` acknowledgements behind the second. */
class Producer {
  readonly written: bigint[] = [];
  /** The position that each connection began with. */
  readonly included: (string | undefined)[] = [];
  constructor(public breaks: number) {}

  answer = async function* (this: Producer, requests: AsyncIterable<AppendStreamRequest>) {
    for await (const { message } of requests) {
      if (message.case === "open") {
        this.included.push(message.value.position?.value);
        yield { message: { case: "opened", value: { lastSequence: BigInt(this.written.length), maxInFlight: 2, epoch: 1n } } };
        continue;
      }
      const sequence = message.value?.sequence ?? 0n;
      const duplicate = sequence <= BigInt(this.written.length);
      if (!duplicate) {
        assert.equal(sequence, BigInt(this.written.length) + 1n);
        this.written.push(sequence);
      }
      if (this.breaks > 0 && sequence > 2n) {
        this.breaks -= 1;
        throw GONE;
      }
      yield { message: { case: "ack", value: { sequence, appended: duplicate ? 0 : 1, duplicate, position: { value: `p${sequence}` } } } };
    }
  }.bind(this);
}

test("the appender writes each batch once", async () => {
  const producer = new Producer(3);
  service.on("appendStream", producer.answer as never);
  const appender = await client.appender("spend", { producerId: "me" });
  await Promise.all(Array.from({ length: 8 }, (_, n) => appender.append({ customer: `c${n}`, total: n })));
  assert.equal(await appender.flush(), "p8");
  assert.deepEqual(producer.written, [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
  assert.deepEqual(producer.included, [undefined, "p2", "p2", "p2"]);
  assert.equal(appender.lastSequence, 8n);
  await appender.close();
  await assert.rejects(appender.append({ customer: "late" }), errors.ClosedError);
});

test("a refused batch ends the appender", async () => {
  service.on("appendStream", async function* (requests: AsyncIterable<AppendStreamRequest>) {
    for await (const { message } of requests) {
      if (message.case === "open") {
        yield { message: { case: "opened", value: { lastSequence: 0n, maxInFlight: 2 } } };
      } else {
        throw refusal(Code.Aborted, "PRODUCER_FENCED", "a newer stream");
      }
    }
  } as never);
  const appender = await client.appender("spend");
  await appender.append({ customer: "a" });
  await assert.rejects(appender.flush(), errors.ProducerFencedError);
  await assert.rejects(appender.append({ customer: "b" }), errors.ProducerFencedError);
});
