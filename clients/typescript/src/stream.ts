/** Streams in a topology, and what is called with their rows. */

import type { Topology } from "./builder.js";
import { type Columns, schemaMessage } from "./declare.js";
import { JoinKind } from "./gen/penstock/v1/topology_pb.js";
import { Grouped } from "./grouped.js";
import { graceOf, historyOf, type Named, type Output, type Projected, projections, Rows } from "./nodes.js";
import { duration, type Span } from "./position.js";
import { type GlobalTable, type Join, Table } from "./table.js";

/** How rows go to programs of one's own. */
export interface RemoteOptions {
  /** Columns by store, without the key. */
  stores?: Readonly<Record<string, Columns>>;
  /** For the programs. */
  config?: Record<string, string>;
  keepsKey?: boolean;
  /** Rows that a bundle has at most. Default 1000. */
  bundleRows?: number;
  /** After this time without an answer a bundle goes to another program. Default 30 s. */
  bundleTimeout?: Span;
  /** How often a bundle that fails as a whole is tried. Default 0: without an end. */
  maxAttempts?: number;
  timers?: boolean;
}

/** A stream in a topology. */
export class Stream extends Rows<Stream> {
  protected override same(ref: string): Stream {
    return new Stream(this.topology, ref);
  }

  /** Group by expressions, or by the present key without any. */
  groupBy(...keys: readonly Projected[]): Grouped {
    return this.groupByAs({}, ...keys);
  }

  /** As groupBy, of a node with a name. */
  groupByAs(options: Named, ...keys: readonly Projected[]): Grouped {
    return new Grouped(this.topology, this.then(options, "group_by", { case: "groupBy", value: { keys: projections(keys) } }));
  }

  /** As select, with at least one EXPLODE(array): a row for each element. */
  explode(...columns: readonly Projected[]): Stream {
    return this.explodeAs({}, ...columns);
  }

  /** As explode, of a node with a name. */
  explodeAs(options: Named, ...columns: readonly Projected[]): Stream {
    return this.same(this.then(options, "explode", { case: "explode", value: { columns: projections(columns) } }));
  }

  /** Set a new key. */
  partitionBy(...keys: readonly Projected[]): Stream {
    return this.partitionByAs({}, ...keys);
  }

  /** As partitionBy, of a node with a name. */
  partitionByAs(options: Named, ...keys: readonly Projected[]): Stream {
    return this.same(this.then(options, "partition_by", { case: "partitionBy", value: { keys: projections(keys) } }));
  }

  /** Drop the key: its columns become value columns, and rows stay in their partitions. */
  withoutKey(options: Named = {}): Stream {
    return this.same(this.then(options, "without_key", { case: "partitionBy", value: { withoutKey: true } }));
  }

  /** Send through an internal topic with this number of partitions; 0 leaves it to the service. */
  repartition(partitions = 0, options: Named = {}): Stream {
    return this.same(this.then(options, "repartition", { case: "repartition", value: { partitions } }));
  }

  /**
   * Drop records of an id (the key, with the expressions `ids`) that are within this time of one that passed. `grace`: how late a record may
   * be.
   */
  deduplicate(within: Span, options: Named & { ids?: readonly string[]; grace?: Span } = {}): Stream {
    const { ids = [], grace } = options;
    const value = { within: duration(within), ids: [...ids], ...graceOf(grace) };
    return this.same(this.then(options, "deduplicate", { case: "deduplicate", value }));
  }

  /** Write some rows to the service's log as they pass; all columns without any. */
  peek(options: Named & { columns?: readonly Projected[]; maxPerSecond?: number } = {}): Stream {
    const { columns = [], maxPerSecond = 0 } = options;
    return this.same(this.then(options, "peek", { case: "peek", value: { columns: projections(columns), maxPerSecond } }));
  }

  /** Unite with streams of the same schema. */
  merge(...others: readonly Stream[]): Stream {
    return this.mergeAs({}, ...others);
  }

  /** As merge, of a node with a name. */
  mergeAs(options: Named, ...others: readonly Stream[]): Stream {
    return this.same(this.then(options, "merge", { case: "merge", value: {} }, ...others));
  }

  /** Send each row to the first output whose condition holds, the rest to the output `rest` or nowhere. The outputs by name. */
  branch<O extends string, R extends string = never>(
    outputs: Readonly<Record<O, string>>,
    options: Named & { rest?: R } = {},
  ): Record<O | R, Stream> {
    const listed = Object.entries<string>(outputs).map(([name, where]) => ({ name, where }));
    const node = this.then(options, "branch", { case: "branch", value: { outputs: listed, defaultOutput: options.rest ?? "" } });
    const names = [...listed.map(({ name }) => name), ...(options.rest === undefined ? [] : [options.rest])];
    return Object.fromEntries(names.map((name) => [name, this.same(`${node}.${name}`)])) as Record<O | R, Stream>;
  }

  /**
   * Call a plug-in of the service with the rows of this and other inputs. `outputs`: columns by output, in place of those that the plug-in
   * declares.
   */
  process(
    processor: string,
    options: Named & {
      inputs?: readonly Output[];
      outputs?: Readonly<Record<string, Columns>>;
      config?: Record<string, string>;
    } = {},
  ): Processed {
    const { inputs = [], outputs = {}, config = {} } = options;
    const listed = Object.entries(outputs).map(([name, columns]) => ({ name, schema: schemaMessage(columns) }));
    const node = this.then(options, "process", { case: "processor", value: { processor, config, outputs: listed } }, ...inputs);
    return new Processed(this.topology, node);
  }

  /**
   * Send the rows to programs that serve `processor` (Worker) and commit what they make of them, exactly once. `outputs` and `stores` are columns by
   * name, of a store without its key, which is that of the rows. `keepsKey`: rows of every output have the key of the row that caused them.
   * `timers`: the programs may set timers.
   */
  processRemotely(processor: string, outputs: Readonly<Record<string, Columns>>, options: Named & RemoteOptions = {}): Processed {
    const { stores = {}, config = {}, keepsKey = false, bundleRows = 0, bundleTimeout, maxAttempts = 0, timers = false } = options;
    const value = {
      processor,
      outputs: Object.entries(outputs).map(([name, columns]) => ({ name, schema: schemaMessage(columns), keepsKey })),
      stores: Object.entries(stores).map(([name, columns]) => ({ name, schema: schemaMessage(columns) })),
      config,
      bundleRows,
      maxAttempts,
      timers,
      ...(bundleTimeout === undefined ? {} : { bundleTimeout: duration(bundleTimeout) }),
    };
    return new Processed(this.topology, this.then(options, "process", { case: "remoteProcessor", value }));
  }

  /**
   * Join rows of the same key that are near in time: `before` and `after` say how much older and newer the other row may be, `within` both at
   * once, `grace` how late either may come. `eager`: an unmatched row that stays leaves at once, and once more for every row that it meets
   * later; else when it can meet none any more.
   */
  joinStream(
    other: Stream,
    options: Named & Join & { within?: Span; before?: Span; after?: Span; grace?: Span; eager?: boolean; columns?: readonly Projected[] },
  ): Stream {
    const { kind = "INNER", within, before = within, after = within, grace, eager = false, columns = [] } = options;
    const value = {
      kind: JoinKind[kind],
      eager,
      columns: projections(columns),
      ...(before === undefined ? {} : { before: duration(before) }),
      ...(after === undefined ? {} : { after: duration(after) }),
      ...graceOf(grace),
    };
    return this.same(this.then(options, "join", { case: "streamStreamJoin", value }, other));
  }

  /**
   * Join the table's row of the same key; rows without one are dropped, or with kind LEFT have null in the table's columns. `grace`: how long
   * rows wait for late ones of a versioned table.
   */
  join(table: Table, options: Named & { kind?: "INNER" | "LEFT"; grace?: Span; columns?: readonly Projected[] } = {}): Stream {
    const { kind = "INNER", grace, columns = [] } = options;
    const value = { kind: JoinKind[kind], columns: projections(columns), ...graceOf(grace) };
    return this.same(this.then(options, "join", { case: "streamTableJoin", value }, table));
  }

  /** As join with kind LEFT. */
  leftJoin(table: Table, options: Named & { grace?: Span; columns?: readonly Projected[] } = {}): Stream {
    return this.join(table, { ...options, kind: "LEFT" });
  }

  /** Join the row of a global table that `keys` name: expressions over this stream's row, without any its key. */
  joinGlobal(
    table: GlobalTable,
    options: Named & { kind?: "INNER" | "LEFT"; keys?: string | readonly string[]; columns?: readonly Projected[] } = {},
  ): Stream {
    const { kind = "INNER", keys = [], columns = [] } = options;
    const value = { kind: JoinKind[kind], keys: typeof keys === "string" ? [keys] : [...keys], columns: projections(columns) };
    return this.same(this.then(options, "join", { case: "streamGlobalJoin", value }, table));
  }

  /** Read as changes: the newest row of each key. `history`: how long earlier rows are kept; such a table is versioned. */
  toTable(options: Named & { history?: Span } = {}): Table {
    return new Table(this.topology, this.then(options, "to_table", { case: "toTable", value: historyOf(options.history) }));
  }
}

/** A plug-in or remote processor in a topology; its outputs by name. */
export class Processed {
  /** @internal */
  constructor(
    private readonly topology: Topology,
    /** The node's name; its stores are looked up as `topology.node.store`. */
    readonly name: string,
  ) {}

  /** The rows that are sent to an output. */
  output(name: string): Stream {
    return new Stream(this.topology, `${this.name}.${name}`);
  }
}

