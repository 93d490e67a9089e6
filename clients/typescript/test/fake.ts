/** A service of scripted answers on a free port. */

import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type DescMethod, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ErrorInfoSchema, RetryInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "../src/gen/google/rpc/status_pb.js";
import { AppendService } from "../src/gen/penstock/v1/append_service_pb.js";
import { CatalogService } from "../src/gen/penstock/v1/catalog_service_pb.js";
import { ClusterService } from "../src/gen/penstock/v1/cluster_service_pb.js";
import { type ExpressionError, ExpressionErrorSchema } from "../src/gen/penstock/v1/errors_pb.js";
import { LookupService } from "../src/gen/penstock/v1/lookup_service_pb.js";
import { RegistryService } from "../src/gen/penstock/v1/registry_service_pb.js";
import type { RowBatchSchema } from "../src/gen/penstock/v1/row_pb.js";
import { type EventSchema, SubscriptionService } from "../src/gen/penstock/v1/subscription_service_pb.js";
import { TopologyService } from "../src/gen/penstock/v1/topology_service_pb.js";
import { ColumnRole, TypeKind } from "../src/gen/penstock/v1/types_pb.js";
import { encodeBatch } from "../src/rows.js";

/** One answer: a message, an iterable of messages for a stream, or a throw. */
export type Answer = (request: never, context: HandlerContext) => unknown;

/** Calls are answered by scripts, in turn; the last answer of a script stays. */
export class FakeService {
  /** Requests by the method's name. */
  readonly requests = new Map<string, unknown[]>();
  /** Metadata of the last call. */
  headers = new Headers();
  readonly #scripts = new Map<string, Answer[]>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #server: Http2Server;

  private constructor() {
    this.#server = createServer({}, connectNodeAdapter({ routes: (router) => this.#routes(router), grpcWeb: false, connect: false }));
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
    });
    this.on("getRelation", () => ({ relation: { name: "spend", schema: SPEND } }));
  }

  static async start(): Promise<FakeService> {
    const fake = new FakeService();
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  on(method: string, ...answers: Answer[]): void {
    this.#scripts.set(method, answers);
  }

  /** The requests of a method so far. */
  of<T>(method: string): T[] {
    return (this.requests.get(method) ?? []) as T[];
  }

  /** Break every connection, as a kill does. */
  breakConnections(): void {
    for (const session of this.#sessions) {
      session.destroy();
    }
  }

  stop(): Promise<void> {
    this.breakConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #routes(router: ConnectRouter): void {
    for (const service of [AppendService, CatalogService, ClusterService, LookupService, RegistryService, SubscriptionService, TopologyService]) {
      for (const method of service.methods as readonly DescMethod[]) {
        router.rpc(method as never, this.#handler(method) as never);
      }
    }
  }

  #handler(method: DescMethod) {
    const answer = (request: unknown, context: HandlerContext) => {
      this.headers = context.requestHeader;
      const seen = this.requests.get(method.localName) ?? [];
      this.requests.set(method.localName, seen);
      seen.push(request);
      const script = this.#scripts.get(method.localName) ?? [];
      const next = script.length > 1 ? script.shift() : script[0];
      if (next === undefined) {
        throw new ConnectError(`no script for ${method.localName}`, Code.Unimplemented);
      }
      return next(request as never, context);
    };
    if (method.methodKind === "unary" || method.methodKind === "client_streaming") {
      return async (request: unknown, context: HandlerContext) => answer(request, context);
    }
    return async function* (request: unknown, context: HandlerContext) {
      yield* answer(request, context) as AsyncIterable<unknown>;
    };
  }
}

/** A refusal as the service makes it. */
export function refusal(code: Code, reason: string, message: string, more: { metadata?: Record<string, string>; retryMs?: number; place?: Partial<ExpressionError> } = {}): ConnectError {
  const { metadata = {}, retryMs, place } = more;
  const details = [{ desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: `ERROR_REASON_${reason}`, domain: "penstock.v1", metadata }) }] as {
    desc: never;
    value: never;
  }[] as ConnectError["details"];
  if (retryMs !== undefined) {
    details.push({ desc: RetryInfoSchema, value: { retryDelay: { seconds: 0n, nanos: retryMs * 1e6 } } });
  }
  if (place !== undefined) {
    details.push({ desc: ExpressionErrorSchema, value: create(ExpressionErrorSchema, place as never) });
  }
  return new ConnectError(message, code, undefined, details as never);
}

/** The same as a status in band. */
export function status(code: Code, reason: string, message: string): Status {
  const info = create(ErrorInfoSchema, { reason: `ERROR_REASON_${reason}`, domain: "penstock.v1" });
  return create(StatusSchema, { code, message, details: [anyPack(ErrorInfoSchema, info)] });
}

/** An answer that throws. */
export function fails(error: ConnectError): Answer {
  return () => {
    throw error;
  };
}

const SPEND = {
  columns: [
    { name: "CUSTOMER", role: ColumnRole.KEY, type: { kind: TypeKind.STRING, sql: "STRING" } },
    { name: "TOTAL", role: ColumnRole.VALUE, type: { kind: TypeKind.DOUBLE, sql: "DOUBLE" } },
  ],
};

/** The schema of `spend (CUSTOMER STRING KEY, TOTAL DOUBLE)`. */
export const SPEND_SCHEMA = { id: 7n, table: true, schema: SPEND };

/** Rows of it. */
export function spendRows(...rows: [string, number | null][]): MessageInitShape<typeof RowBatchSchema> {
  const types = [
    { kind: "STRING", sql: "STRING" },
    { kind: "DOUBLE", sql: "DOUBLE" },
  ] as const;
  return encodeBatch(types, [rows.map(([c]) => c), rows.map(([, t]) => t)], rows.length);
}

type Event = NonNullable<MessageInitShape<typeof EventSchema>["event"]>;

/** A push of events. */
export function pushes(...events: (Event | ConnectError | (() => unknown))[]): Answer {
  return async function* () {
    for (const event of events) {
      if (event instanceof ConnectError) {
        throw event;
      }
      if (typeof event === "function") {
        await event();
      } else {
        yield { event: { event } };
      }
    }
  };
}

/** The event of rows of `spend`. */
export function rowsEvent(position: string, ...rows: [string, number | null][]): Event {
  return { case: "rows", value: { batch: spendRows(...rows) as never, ...(position === "" ? {} : { position: { value: position } }) } };
}

export const SCHEMA_EVENT: Event = { case: "schema", value: SPEND_SCHEMA as never };
