/** The client: a connection to a service. */

import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client as Stub, createClient } from "@connectrpc/connect";
import { AppendState } from "./appending.js";
import { Appender } from "./appender.js";
import * as appends from "./appends.js";
import * as backups from "./backups.js";
import { Connection, only, type Operation } from "./connection.js";
import { type Binding, type Columns, functionMessage, type FunctionOptions, relationMessage } from "./declare.js";
import { PenstockError } from "./error.js";
import { AppendService } from "./gen/penstock/v1/append_service_pb.js";
import { CatalogService } from "./gen/penstock/v1/catalog_service_pb.js";
import { ClusterService } from "./gen/penstock/v1/cluster_service_pb.js";
import { LookupService } from "./gen/penstock/v1/lookup_service_pb.js";
import { RegistryService } from "./gen/penstock/v1/registry_service_pb.js";
import type { RelationSchema } from "./gen/penstock/v1/relation_pb.js";
import { type QueryResponse, SqlService } from "./gen/penstock/v1/sql_service_pb.js";
import { type SubscribeResponse, SubscriptionService } from "./gen/penstock/v1/subscription_service_pb.js";
import { TopologyService } from "./gen/penstock/v1/topology_service_pb.js";
import * as lookups from "./lookups.js";
import type * as model from "./model.js";
import * as operations from "./operations.js";
import { type CallOptions, type ClientOptions, DEFAULT_ADDRESS } from "./options.js";
import type { Instant, Start } from "./position.js";
import type { Batch, Fields, Row } from "./row.js";
import { Scan } from "./scan.js";
import { type ExecuteOptions, type QueryOptions, queryWanted, type SqlResult, SqlSession } from "./sql.js";
import { type SubscribeOptions, subscribeRequest, SubscriptionState, type Wanted } from "./subscribing.js";
import { type PushCall, Subscription } from "./subscription.js";
import type { Key } from "./values.js";

/** The generated services on a client's connection, for what the client does not offer. They neither repeat nor make typed errors. */
export interface Raw {
  readonly topology: Stub<typeof TopologyService>;
  readonly catalog: Stub<typeof CatalogService>;
  readonly append: Stub<typeof AppendService>;
  readonly subscription: Stub<typeof SubscriptionService>;
  readonly lookup: Stub<typeof LookupService>;
  readonly sql: Stub<typeof SqlService>;
  readonly cluster: Stub<typeof ClusterService>;
  readonly registry: Stub<typeof RegistryService>;
}

type Page<T> = { items: T[]; next: string };
type AnyOperation<T> = Operation<any, any, T>;

/**
 * A connection to a service; opened at the first call, closed by close() or the end of an `await using`. Every method's last argument may
 * have an AbortSignal, a deadline and metadata of the one call.
 */
export class Client implements AsyncDisposable {
  /** Properties (SET), variables (DEFINE) and the last position of this client's SQL. */
  readonly session = new SqlSession();
  readonly #connection: Connection;
  readonly #relations = new Map<string, Promise<model.Relation>>();
  #raw: Raw | undefined;

  /** `address`: `host:port` of a node, or of several, of which one that answers is used. */
  constructor(address: string | readonly string[] = DEFAULT_ADDRESS, options: ClientOptions = {}) {
    this.#connection = new Connection(address, options);
  }

  /** The address that calls go to now. */
  get address(): string {
    return this.#connection.address;
  }

  /** The generated services. */
  get raw(): Raw {
    const { transport } = this.#connection;
    this.#raw ??= {
      topology: createClient(TopologyService, transport),
      catalog: createClient(CatalogService, transport),
      append: createClient(AppendService, transport),
      subscription: createClient(SubscriptionService, transport),
      lookup: createClient(LookupService, transport),
      sql: createClient(SqlService, transport),
      cluster: createClient(ClusterService, transport),
      registry: createClient(RegistryService, transport),
    };
    return this.#raw;
  }

  /** End every call, subscription, scan and appender of this client at once. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // Topologies

  /** Register a definition; an equal one again is answered as the first time. */
  registerTopology(topology: operations.Definition, options: operations.RegisterOptions & CallOptions = {}): Promise<model.TopologyInfo> {
    return this.#connection.run(operations.register(topology, options), options);
  }

  /**
   * Give a topology another definition; it goes on with the state that stays meaningful. What would be computed anew or dropped needs leave:
   * UpdateNeedsLeaveError. `validateOnly` says what would become of each node.
   */
  updateTopology(topology: operations.Definition, options: operations.UpdateOptions & CallOptions = {}): Promise<model.TopologyUpdate> {
    return this.#connection.run(operations.update(topology, options), options);
  }

  /** One registered topology. UnknownTopologyError. */
  topology(name: string, call: CallOptions = {}): Promise<model.TopologyInfo> {
    return this.#connection.run(operations.getTopology(name), call);
  }

  /** All registered topologies by name. */
  topologies(call: CallOptions = {}): Promise<model.TopologyInfo[]> {
    return this.#pages(operations.listTopologies, call);
  }

  /** Stop it and delete its state; the topics of its sinks too if asked. The position. */
  deleteTopology(name: string, options: { etag?: string; deleteTopics?: boolean } & CallOptions = {}): Promise<string> {
    return this.#connection.run(operations.deleteTopology(name, options), options);
  }

  /** Stop processing at a commit; lookups go on. */
  pauseTopology(name: string, call: CallOptions = {}): Promise<model.TopologyInfo> {
    return this.#connection.run(operations.pauseTopology(name), call);
  }

  /** Go on where it was paused, and try failed tasks again. */
  resumeTopology(name: string, call: CallOptions = {}): Promise<model.TopologyInfo> {
    return this.#connection.run(operations.resumeTopology(name), call);
  }

  /** Forget state and positions of a paused topology, which begins anew: at `start`, or as its definition says. */
  resetTopology(name: string, options: { etag?: string; start?: Start } & CallOptions = {}): Promise<model.TopologyInfo> {
    return this.#connection.run(operations.resetTopology(name, options), options);
  }

  /**
   * Have dead letters processed again, each once, by the tasks that failed on them. `where`: an expression over the columns of
   * `topology.dead_letter`; `reason`: a part of the letters' reason. `validateOnly` counts and replays nothing.
   */
  replayDeadLetters(
    topology: string,
    options: { where?: string; reason?: string; validateOnly?: boolean } & CallOptions = {},
  ): Promise<model.Replay> {
    return this.#connection.run(operations.replayDeadLetters(topology, options), options);
  }

  /** The plan of a registered topology or of a definition, as text; with the generated Python if `source` is set. */
  explain(topology: string | operations.Definition, options: { source?: boolean } & CallOptions = {}): Promise<string> {
    return this.#connection.run(operations.explain(topology, options), options);
  }

  // Catalog and cluster

  /** Declare a stream over a topic, which is created when missing unless the binding says otherwise. */
  createStream(name: string, columns: Columns, binding: Binding = {}, call: CallOptions = {}): Promise<model.Relation> {
    return this.createRelation(relationMessage(name, "STREAM", columns, binding), call);
  }

  /** Declare a table over a topic; it needs key columns. */
  createTable(name: string, columns: Columns, binding: Binding = {}, call: CallOptions = {}): Promise<model.Relation> {
    return this.createRelation(relationMessage(name, "TABLE", columns, binding), call);
  }

  /** Declare a relation by its message; an equal one again is answered as the first time. */
  createRelation(
    relation: MessageInitShape<typeof RelationSchema>,
    options: { validateOnly?: boolean } & CallOptions = {},
  ): Promise<model.Relation> {
    return this.#connection.run(operations.createRelation(relation, options), options);
  }

  /** A relation by its catalog name or `topology.node`. UnknownRelationError. */
  relation(name: string, call: CallOptions = {}): Promise<model.Relation> {
    return this.#connection.run(operations.getRelation(name), call);
  }

  /** All relations by name; materialised nodes and dead-letter streams too if asked. */
  relations(options: { includeNodes?: boolean } & CallOptions = {}): Promise<model.Relation[]> {
    return this.#pages((token) => operations.listRelations(options.includeNodes ?? false, token), options);
  }

  /** Forget a declared relation. RelationInUseError while topologies read or write it. The position. */
  dropRelation(name: string, options: { etag?: string; deleteTopic?: boolean } & CallOptions = {}): Promise<string> {
    this.#relations.delete(name);
    return this.#connection.run(operations.dropRelation(name, options), options);
  }

  /** Topics of the log by name. */
  topics(options: { includeInternal?: boolean } & CallOptions = {}): Promise<model.Topic[]> {
    return this.#connection.run(operations.listTopics(options), options);
  }

  /** Functions of expressions by name. */
  functions(call: CallOptions = {}): Promise<model.FunctionDescription[]> {
    return this.#connection.run(operations.listFunctions(), call);
  }

  /** One function. UnknownFunctionError. */
  function(name: string, call: CallOptions = {}): Promise<model.FunctionDescription> {
    return this.#connection.run(operations.getFunction(name), call);
  }

  /**
   * Declare a function that programs compute (Worker), such as `createFunction("DISTANCE", "STRING, STRING -> DOUBLE")`. NameTakenError when one of
   * the name is declared otherwise, unless the version is greater.
   */
  createFunction(name: string, signature: string, options: FunctionOptions & CallOptions = {}): Promise<model.FunctionDescription> {
    return this.#connection.run(operations.createFunction(functionMessage(name, signature, options)), options);
  }

  /** Forget a declared function; topologies that call it go on. The position. */
  dropFunction(name: string, call: CallOptions = {}): Promise<string> {
    return this.#connection.run(operations.dropFunction(name), call);
  }

  /** The service and its nodes. */
  cluster(call: CallOptions = {}): Promise<model.Cluster> {
    return this.#connection.run(operations.describeCluster(), call);
  }

  /** Tasks with their states, of one topology or of all. */
  tasks(topology = "", call: CallOptions = {}): Promise<model.Task[]> {
    return this.#connection.run(operations.listTasks(topology), call);
  }

  /** Take a node out of the service: its tasks and clients go to others, then its processes end. UnknownServiceNodeError. */
  drainNode(node: string, call: CallOptions = {}): Promise<void> {
    return this.#connection.run(operations.drainNode(node), call);
  }

  /** What is registered, as a file that restoreRegistry takes. */
  async backupRegistry(call: CallOptions = {}): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const { chunk } of this.#connection.answers(RegistryService.method.backupRegistry, only({}), call, true)) {
      parts.push(chunk);
    }
    return new Uint8Array(Buffer.concat(parts));
  }

  /** Bring a backup back into an empty registry, or with `replace` in the place of what it has. RegistryNotEmptyError. */
  async restoreRegistry(backup: Uint8Array, options: backups.RestoreOptions & CallOptions = {}): Promise<backups.Restored> {
    const input = backups.parts(backup, options);
    for await (const message of this.#connection.answers(RegistryService.method.restoreRegistry, input, options, true)) {
      this.#relations.clear();
      return backups.restoredOf(message);
    }
    throw new PenstockError("the service did not say what it restored");
  }

  // Append

  /**
   * Write one row or one batch of rows, all or nothing unless `skipInvalid`. They are sent typed by the relation's schema, which is asked for
   * once; `asJson` leaves the casts to the service. Without a producer a call whose outcome is unknown rejects; with one and a sequence
   * (1, 2, 3...) it is repeated, exactly once.
   */
  async append(relation: string, rows: appends.Rows, options: appends.AppendOptions & CallOptions = {}): Promise<model.Appended> {
    const all = appends.listed(rows);
    const content = options.asJson === true ? appends.asJson(all) : appends.typed(await this.#known(relation, options), all);
    return this.#connection.run(appends.append(relation, content, options), options);
  }

  /** Write records as bytes in the relation's own formats; the service checks them. */
  appendRecords(
    relation: string,
    records: readonly appends.RawRecord[],
    options: Omit<appends.AppendOptions, "asJson"> & CallOptions = {},
  ): Promise<model.Appended> {
    return this.#connection.run(appends.append(relation, appends.raw(records), options), options);
  }

  /**
   * A stream of appends: many batches on their way at once, sent again after a broken connection without writing twice. A producer of your own
   * lets a new process go on after `lastSequence`.
   */
  async appender(
    relation: string,
    options: { producerId?: string; asJson?: boolean; skipInvalid?: boolean } & CallOptions = {},
  ): Promise<Appender> {
    const { producerId = randomUUID(), asJson = false, skipInvalid = false } = options;
    const schema = asJson ? undefined : await this.#known(relation, options);
    const state = new AppendState(relation, producerId, this.#connection.retry, skipInvalid);
    return Appender.open(this.#connection, schema, state, options);
  }

  // Lookups

  /**
   * The row of a key (an array for several key columns), undefined when there is none. `atLeast`: positions that the answer includes, waiting
   * `maxWaitMs` for it. `at`: the ROWTIME at which it was valid, of a versioned table. PositionNotReachedError.
   */
  async get<T extends object = Fields>(
    relation: string,
    key: Key,
    options: lookups.LookupOptions & { at?: Instant } & CallOptions = {},
  ): Promise<Row<T> | undefined> {
    return lookups.onlyRow(await this.#connection.run(lookups.get<T>(relation, key, options, options.at), options));
  }

  /** The rows of a key in a windowed table, those whose window starts within the bounds, both inclusive. */
  getWindows<T extends object = Fields>(
    relation: string,
    key: Key,
    options: lookups.LookupOptions & lookups.WindowBounds & CallOptions = {},
  ): Promise<Batch<T>> {
    return this.#connection.run(lookups.get<T>(relation, key, options), options);
  }

  /** For each key its row or undefined, at most 10,000. Of a windowed table a key ends with its window's start. */
  async batchGet<T extends object = Fields>(
    relation: string,
    keys: readonly Key[],
    options: lookups.LookupOptions & { at?: Instant } & CallOptions = {},
  ): Promise<(Row<T> | undefined)[]> {
    const table = await this.#known(relation, options);
    return this.#connection.run(lookups.batchGet<T>(table, keys, options, options.at), options);
  }

  /** Rows of a table: an async iterable of rows. Its position after the end starts a subscription without a gap. */
  scan<T extends object = Fields>(relation: string, options: lookups.ScanOptions & CallOptions = {}): Scan<T> {
    return new Scan(this.#connection, new lookups.ScanState<T>(relation, options), options);
  }

  /** Rows as they come: an endless async iterable of rows that resumes by itself. */
  subscribe<T extends object = Fields>(relation: string, options: SubscribeOptions & CallOptions = {}): Subscription<T> {
    const wanted = {
      resumes: true,
      request: (position: string, taken: number) => subscribeRequest(relation, options, position, taken),
    };
    return this.#push<T>(SUBSCRIBE, wanted, options);
  }

  // SQL

  /**
   * Execute a script; the results of its statements. The first error is thrown; earlier statements stay done. SET and DEFINE hold for later
   * calls: see `session`.
   */
  async sql(text: string, options: ExecuteOptions & CallOptions = {}): Promise<SqlResult[]> {
    const results: SqlResult[] = [];
    for await (const result of this.sqlResults(text, options)) {
      results.push(result);
    }
    return results;
  }

  /** As sql, each result when it is there. A statement waits up to 10 s until the query that it starts runs. */
  async *sqlResults(text: string, options: ExecuteOptions & CallOptions = {}): AsyncGenerator<SqlResult, void, undefined> {
    const input = only(this.session.request(text, options));
    for await (const response of this.#connection.answers(SqlService.method.execute, input, options, false)) {
      yield this.session.take(response);
    }
  }

  /**
   * The rows of a SELECT or PRINT: an async iterable of rows. A pull query ends by itself; a push query (EMIT CHANGES) goes on over broken
   * connections, or after the token `resume`.
   */
  query<T extends object = Fields>(text: string, options: QueryOptions & CallOptions = {}): Subscription<T> {
    return this.#push<T>(QUERY, queryWanted(text, this.session, options), options);
  }

  // How calls are made

  #push<T extends object>(push: PushCall<never, never>, wanted: Wanted<unknown>, options: CallOptions): Subscription<T> {
    const state = new SubscriptionState<unknown, T>(wanted, this.#connection.retry);
    return new Subscription<T>(this.#connection, options, push as never, state);
  }

  /** A relation's schema, asked for once. */
  #known(name: string, call: CallOptions): Promise<model.Relation> {
    let known = this.#relations.get(name);
    if (known === undefined) {
      known = this.relation(name, call);
      known.catch(() => this.#relations.delete(name));
      this.#relations.set(name, known);
    }
    return known;
  }

  async #pages<T>(page: (token: string) => AnyOperation<Page<T>>, call: CallOptions): Promise<T[]> {
    const out: T[] = [];
    for (let token = ""; ; ) {
      const { items, next } = (await this.#connection.run(page(token), call)) as Page<T>;
      out.push(...items);
      if (next === "") {
        return out;
      }
      token = next;
    }
  }
}

const SUBSCRIBE = {
  method: SubscriptionService.method.subscribe,
  eventOf: (response: unknown) => (response as SubscribeResponse).event,
} as unknown as PushCall<never, never>;

const QUERY = {
  method: SqlService.method.query,
  eventOf: (response: unknown) => (response as QueryResponse).event,
} as unknown as PushCall<never, never>;
