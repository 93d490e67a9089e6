/** Rows that the service hands to a program, and what the program makes of them: a bundle of a remote processor, without a connection. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Bundle as BundleMessage, BundleResultSchema, ProcessorNode as NodeMessage } from "./gen/penstock/v1/processor_service_pb.js";
import { RowKind, type RowBatchSchema } from "./gen/penstock/v1/row_pb.js";
import { identity } from "./identity.js";
import { Batch, type Fields, RowSchema } from "./row.js";
import { columnEncoder } from "./rows.js";
import { type ChangedTimer, type Timer, timersMessage, timersOf } from "./timers.js";

/** A key: values of the key columns of the rows. */
export type RowKey = readonly unknown[];

/** What the service tells of a remote processor. */
export class ProcessorNode {
  /** Places of the key columns in `input`; their names; in stores they are the first columns. */
  readonly keyPlaces: readonly number[];
  readonly keyNames: readonly string[];

  /**
   * Outputs and stores by name; rows of both are key columns first. `timerKeys`: the key columns, when it has timers. `calls`: the function that is called,
   * instead of a processor.
   */
  constructor(
    readonly topology: string,
    readonly node: string,
    readonly processor: string,
    readonly config: Readonly<Record<string, string>>,
    readonly input: RowSchema,
    readonly outputs: ReadonlyMap<string, RowSchema>,
    readonly stores: ReadonlyMap<string, RowSchema>,
    readonly timerKeys?: RowSchema,
    readonly calls?: { readonly name: string; readonly version: number },
  ) {
    this.keyPlaces = input.columns.flatMap(({ role }, place) => (role === "KEY" ? [place] : []));
    this.keyNames = this.keyPlaces.map((place) => input.names[place]!);
  }

  /** The node that a message describes. */
  static of(message: NodeMessage): ProcessorNode {
    const { topology, node, processor, config, input, outputs, stores, timerKeys } = message;
    const named = (schemas: NodeMessage["outputs"]) => new Map(schemas.map(({ name, schema }) => [name, RowSchema.of(schema)]));
    const timers = timerKeys === undefined ? undefined : RowSchema.of(timerKeys);
    return new ProcessorNode(topology, node, processor, config, RowSchema.of(input), named(outputs), named(stores), timers, message.function);
  }
}

/** What a sent row may have besides its columns. */
export interface SendOptions {
  /** Key columns, for a null value too; those that are not named are those of the row or timer that caused it. */
  key?: Fields;
  /** ROWTIME; by default that of the row, or the time of the timer, that caused it. */
  timestamp?: Date | number | bigint;
}

interface SentRow {
  readonly cause: number;
  /** One value a column of the output. */
  readonly cells: readonly unknown[];
  readonly deleted: boolean;
}

interface ChangedRow {
  readonly key: RowKey;
  /** null: deleted. */
  readonly row: Fields | null;
}

/** Timers that are due and rows of one partition in order, the state of their keys, and what comes of them. */
export class Bundle {
  readonly #stores = new Map<string, State>();
  readonly #changed = new Map<string, Map<unknown, ChangedRow>>();
  readonly #sent = new Map<string, SentRow[]>();
  readonly #timers: ChangedTimer[] = [];

  /** `state`: rows of each store that there are before. */
  constructor(
    readonly node: ProcessorNode,
    /** A deleted row has a null value; the last column is ROWTIME. */
    readonly rows: Batch,
    /** In order of time; they are fired before the rows, and gone then. */
    readonly timers: readonly Timer[] = [],
    state: ReadonlyMap<string, Batch> = new Map(),
    readonly partition = 0,
    /** 1, and more when the bundle was given out before. */
    readonly attempt = 1,
  ) {
    for (const [name, before] of state) {
      known(node, node.stores, "store", name);
      this.#stores.set(name, new State(before, node.keyNames.length));
    }
  }

  /** The bundle of a message. RangeError for data that are not of the node's columns. */
  static of(node: ProcessorNode, message: BundleMessage): Bundle {
    const state = new Map(message.state.map(({ name, rows }) => [name, Batch.of(known(node, node.stores, "store", name), rows)]));
    return new Bundle(node, Batch.of(node.input, message.rows), timersOf(node.timerKeys, message.timers), state, message.partition, message.attempt);
  }

  /** The key of a row, by its index; less than 0: of the timer `timers.at(cause)`. */
  key(cause: number): RowKey {
    return cause < 0 ? this.timers.at(cause)!.key : this.node.keyPlaces.map((place) => this.rows.columns[place]![cause]);
  }

  /** The row of a key in a store, as this bundle has left it so far; undefined when there is none. RangeError for an unknown store. */
  state(store: string, key: RowKey): Readonly<Fields> | undefined {
    known(this.node, this.node.stores, "store", store);
    const at = identity(key);
    const changed = this.#changed.get(store)?.get(at);
    return changed === undefined ? this.#stores.get(store)?.get(at) : (changed.row ?? undefined);
  }

  /** Set the row of a key, or delete it with null. The key must be one of the bundle's rows or timers. RangeError for an unknown column. */
  put(store: string, key: RowKey, row: Fields | null): void {
    const schema = known(this.node, this.node.stores, "store", store);
    const { keyNames } = this.node;
    if (key.length !== keyNames.length) {
      throw new RangeError(`a key of store ${store} has ${keyNames.length} columns, not ${key.length}`);
    }
    let named: Fields | null = null;
    if (row !== null) {
      named = Object.fromEntries(keyNames.map((name, i) => [name, key[i]]));
      for (const name in row) {
        named[schema.names[placeOf(schema, "store", store, name)]!] = row[name];
      }
    }
    let changed = this.#changed.get(store);
    if (changed === undefined) {
      changed = new Map();
      this.#changed.set(store, changed);
    }
    changed.set(identity(key), { key, row: named });
  }

  /**
   * A row for an output; null sends a null value. `cause`: the index of the row that caused it, or less than 0 for the timer
   * `timers.at(cause)`. RangeError for an unknown output, column or cause.
   */
  send(output: string, row: Fields | null, cause: number, options: SendOptions = {}): void {
    const schema = known(this.node, this.node.outputs, "output", output);
    if (!Number.isInteger(cause) || cause < -this.timers.length || cause >= this.rows.size) {
      throw new RangeError(`cause ${cause} is no row or timer of the bundle, which has ${this.rows.size} and ${this.timers.length}`);
    }
    const cells: unknown[] = new Array(schema.columns.length).fill(undefined);
    for (const given of [options.key, row]) {
      for (const name in given) {
        cells[placeOf(schema, "output", output, name)] = given[name];
      }
    }
    schema.columns.forEach(({ name, role, type }, place) => {
      if (role === "KEY" && cells[place] === undefined) {
        const own = this.node.keyNames.indexOf(name);
        cells[place] = own < 0 ? undefined : this.key(cause)[own];
      } else if (role === "META" && options.timestamp !== undefined) {
        cells[place] = type.kind === "BIGINT" ? BigInt(Number(options.timestamp)) : options.timestamp;
      }
    });
    let sent = this.#sent.get(output);
    if (sent === undefined) {
      sent = [];
      this.#sent.set(output, sent);
    }
    sent.push({ cause, cells, deleted: row === null });
  }

  /** Set a timer for a key of the bundle's rows or timers. With a name, the one of that name, key and clock before is gone. One that is past is due
   *  in the next bundle. */
  setTimer(timer: Timer): void {
    this.#changeTimer(timer, true);
  }

  /** Cancel the timer of this key, clock and name, or without a name of this time; one that is not there is no error. One of this very bundle is not
   *  fired any more. */
  cancelTimer(timer: Timer): void {
    this.#changeTimer(timer, false);
  }

  #changeTimer(timer: Timer, set: boolean): void {
    if (this.node.timerKeys === undefined) {
      throw new RangeError(`${this.node.node} has no timers; declare them where it is defined: { timers: true }`);
    }
    if (!Number.isSafeInteger(timer.at) || timer.at < 0) {
      throw new RangeError(`a timer's time is whole milliseconds since 1970, 0 or more, not ${timer.at}`);
    }
    this.#timers.push({ timer, set });
  }

  /** Whether a timer of this bundle was cancelled, or set anew under its name, before it was its turn. */
  cancelled(timer: Timer): boolean {
    const { name = "", clock = "STREAM_TIME", at } = timer;
    const key = this.#timers.length === 0 ? undefined : identity(timer.key);
    return this.#timers.some(
      ({ timer: other, set }) =>
        (other.name ?? "") === name &&
        (other.clock ?? "STREAM_TIME") === clock &&
        identity(other.key) === key &&
        (name !== "" || (other.at === at && !set)),
    );
  }

  /** Rows of an output in the order of their causes, with all their columns but ROWTIME; null for a null value. For tests. */
  sent(output: string): (Fields | null)[] {
    const { columns } = known(this.node, this.node.outputs, "output", output);
    const named = (cells: readonly unknown[]) =>
      Object.fromEntries(columns.flatMap(({ name, role }, place) => (role === "META" ? [] : [[name, cells[place] ?? null]])));
    return inOrder(this.#sent.get(output) ?? []).map(({ cells, deleted }) => (deleted ? null : named(cells)));
  }

  /** Timers that were set and cancelled, in order. */
  get changedTimers(): readonly ChangedTimer[] {
    return this.#timers;
  }

  /** The answer. TypeError or RangeError for a value that is not of its column's type. */
  result(lease: bigint, bundle: bigint): MessageInitShape<typeof BundleResultSchema> {
    const outputs = [...this.#sent].map(([output, rows]) => {
      const sent = inOrder(rows);
      const schema = this.node.outputs.get(output)!;
      const batch = batchMessage(schema, `output ${output}`, sent);
      return { output, rows: batch, causes: sent.map(({ cause }) => cause + this.timers.length) };
    });
    const state = [...this.#changed].map(([name, changed]) => {
      const schema = this.node.stores.get(name)!;
      const rows = [...changed.values()].map(({ key, row }) => ({
        cells: row === null ? key : schema.names.map((column) => row[column]),
        deleted: row === null,
      }));
      return { name, rows: batchMessage(schema, `store ${name}`, rows) };
    });
    const keys = this.node.timerKeys;
    const timers = keys === undefined || this.#timers.length === 0 ? {} : { timers: timersMessage(keys, this.#timers) };
    return { lease, bundle, outputs, state, ...timers };
  }
}

/** The rows of a store by their key, which is their first columns. */
class State {
  readonly #rows: Batch;
  readonly #places = new Map<unknown, number>();

  constructor(rows: Batch, keys: number) {
    this.#rows = rows;
    const columns = rows.columns.slice(0, keys);
    for (let row = 0; row < rows.size; row++) {
      this.#places.set(identity(columns.map((values) => values[row])), row);
    }
  }

  get(at: unknown): Fields | undefined {
    const row = this.#places.get(at);
    if (row === undefined) {
      return undefined;
    }
    const { schema, columns } = this.#rows;
    return Object.fromEntries(schema.names.map((name, place) => [name, columns[place]![row]]));
  }
}

function known(node: ProcessorNode, all: ReadonlyMap<string, RowSchema>, what: string, name: string): RowSchema {
  const found = all.get(name);
  if (found === undefined) {
    throw new RangeError(`${node.node} has no ${what} ${name}; it has ${[...all.keys()].join(", ") || "none"}`);
  }
  return found;
}

function placeOf(schema: RowSchema, what: string, of: string, name: string): number {
  const place = schema.find(name);
  if (place === undefined) {
    throw new RangeError(`${what} ${of} has no column ${name}; it has ${schema.names.join(", ")}`);
  }
  return place;
}

/** By cause; rows of one cause as they were sent. */
function inOrder(rows: readonly SentRow[]): readonly SentRow[] {
  const falls = rows.some(({ cause }, i) => i > 0 && cause < rows[i - 1]!.cause);
  return falls ? [...rows].sort((a, b) => a.cause - b.cause) : rows;
}

/** Rows by cell as a batch; errors name the column. */
export function batchMessage(
  schema: RowSchema,
  what: string,
  rows: readonly { readonly cells: readonly unknown[]; readonly deleted: boolean }[],
): MessageInitShape<typeof RowBatchSchema> {
  const columns = schema.columns.map(({ name, type }, place) => {
    const values = rows.map(({ cells }) => cells[place]);
    try {
      return columnEncoder(type)(values);
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) {
        error.message = `${what}, column ${name} (${type.sql}): ${error.message}`;
      }
      throw error;
    }
  });
  const kinds = rows.some(({ deleted }) => deleted) ? rows.map(({ deleted }) => (deleted ? RowKind.DELETE : RowKind.UPSERT)) : [];
  return { schemaId: schema.id, rowCount: rows.length, columns, kinds };
}
