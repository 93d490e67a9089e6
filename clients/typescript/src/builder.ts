/**
 * Topologies written in TypeScript, in the manner of the Kafka Streams DSL.
 *
 *     const t = new Topology("purchases");
 *     const s = t.stream("purchases");
 *     s.filter("price > 100").select("item", { double_price: "price * 2" }).to("expensive");
 *     s.groupBy("customer").window(tumbling({ minutes: 1 })).aggregate({ total: "SUM(price)" }).to("totals");
 *     await client.registerTopology(t);
 *
 * Each call adds one node and gives a handle on its output; nothing is checked before the service sees it. Node names, by which state is
 * kept across changes of the topology, are made from the operator and its number among its kind; `name` sets one.
 * Expressions are SQL text. A relation is named, or declared inline with `columns`.
 */

import { create } from "@bufbuild/protobuf";
import { Guarantee, OnBadRecord, type Topology as TopologyMessage, TopologySchema, UpdateMode } from "./gen/penstock/v1/topology_pb.js";
import { historyOf, type NodeInit, nodeName, type Operator } from "./nodes.js";
import { duration, type Span } from "./position.js";
import { inline, originOf, type SourceOptions, startOf, timeOf } from "./sources.js";
import { Stream } from "./stream.js";
import { GlobalTable, Table } from "./table.js";

/** The settings of a topology; what is left out is the service's default. */
export interface TopologyOptions {
  guarantee?: "EXACTLY_ONCE" | "AT_LEAST_ONCE";
  commitInterval?: Span;
  onBadRecord?: "DEAD_LETTER" | "SKIP" | "FAIL";
  updates?: "LATEST_PER_COMMIT" | "EVERY";
  /** How long a task waits for an input without records while others have some; less than 0 is never. */
  maxTaskIdle?: Span;
  /** Other nodes that keep a copy of each task's state, so that one of them goes on at once. */
  standbys?: number;
  labels?: Record<string, string>;
}

/** A topology under construction. `message()` is what is registered; building may go on after it. */
export class Topology {
  readonly #nodes: NodeInit[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(
    /** The topology's name. */
    readonly name: string,
    readonly options: TopologyOptions = {},
  ) {}

  /** The definition so far. */
  message(): TopologyMessage {
    const { labels = {} } = this.options;
    const settings = settingsOf(this.options);
    return create(TopologySchema, { name: this.name, labels, nodes: this.#nodes, ...(settings === undefined ? {} : { settings }) });
  }

  /** Read a stream of the catalog, or one that is declared here with `columns`. */
  stream(relation: string, options: SourceOptions = {}): Stream {
    const value = { origin: originOf(relation, options), ...timeOf(options.time) };
    return new Stream(this, this.add(options.name, nodeName(relation), [], { case: "sourceStream", value }));
  }

  /**
   * Read several topics as one stream: `relations` of the catalog with equal columns, or `topics` by name, or those whose whole name matches
   * the regular expression `pattern`, topics that come later included. The last two need `columns`; a binding says their formats.
   */
  streams(from: SourceOptions & { relations?: readonly string[]; topics?: readonly string[]; pattern?: string }): Stream {
    const { relations = [], topics = [], pattern = "", columns, binding, window, start, time, name } = from;
    const relation = columns === undefined ? undefined : inline(columns, binding, window);
    const several = { names: [...topics], relations: [...relations], pattern, ...(relation === undefined ? {} : { relation }) };
    const origin = { origin: { case: "topics" as const, value: several }, ...startOf(start) };
    return new Stream(this, this.add(name, "source", [], { case: "sourceStream", value: { origin, ...timeOf(time) } }));
  }

  /** Read a table, as stream() does a stream, and materialise it. `history`: how long earlier rows are kept; such a table is versioned. */
  table(relation: string, options: SourceOptions & { history?: Span } = {}): Table {
    const value = { origin: originOf(relation, options), ...timeOf(options.time), ...historyOf(options.history) };
    return new Table(this, this.add(options.name, nodeName(relation), [], { case: "sourceTable", value }));
  }

  /** Read a whole table in every worker, for joins by any column of a stream. */
  globalTable(relation: string, options: Omit<SourceOptions, "start"> = {}): GlobalTable {
    const value = { origin: originOf(relation, options), ...timeOf(options.time) };
    return new GlobalTable(this, this.add(options.name, nodeName(relation), [], { case: "globalTable", value }));
  }

  /**
   * Add a node of the given name, or of `base` with its number; its name. A given name that exists is left to the service to refuse.
   * @internal
   */
  add(given: string | undefined, base: string, inputs: readonly string[], operator: Operator): string {
    let name = given;
    if (name === undefined) {
      const count = (this.#numbers.get(base) ?? 0) + 1;
      this.#numbers.set(base, count);
      name = count === 1 ? base : `${base}_${count}`;
    }
    this.#nodes.push({ name, inputs: [...inputs], operator });
    return name;
  }
}

function settingsOf({ guarantee, commitInterval, onBadRecord, updates, maxTaskIdle, standbys }: TopologyOptions) {
  const settings = {
    ...(guarantee === undefined ? {} : { guarantee: Guarantee[guarantee] }),
    ...(commitInterval === undefined ? {} : { commitInterval: duration(commitInterval) }),
    ...(onBadRecord === undefined ? {} : { onBadRecord: OnBadRecord[onBadRecord] }),
    ...(updates === undefined ? {} : { updates: UpdateMode[updates] }),
    ...(maxTaskIdle === undefined ? {} : { maxTaskIdle: duration(maxTaskIdle) }),
    ...(standbys === undefined ? {} : { standbys }),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
}
