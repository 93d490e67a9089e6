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

/** Rows that were sent by column: all values of each column of the output, undefined for NULLs. */
interface SentColumns {
  readonly causes: readonly number[];
  readonly columns: readonly (readonly unknown[] | undefined)[];
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
  /** What is here is not in #sent. */
  readonly #blocks = new Map<string, SentColumns>();
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
    this.#checkCause(cause);
    this.#spread(output);
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
    this.#sentTo(output).push({ cause, cells, deleted: row === null });
  }

  /**
   * Rows for an output by column, which is much faster than send for each. `causes`: as send's, of each row; by default there is a row for each of the
   * bundle's rows, in order. Key columns that are not given are those of the causes. RangeError for an unknown output, column or cause, and for a
   * column of another length.
   */
  sendColumns(output: string, columns: Readonly<Record<string, readonly unknown[]>>, causes?: readonly number[]): void {
    const schema = known(this.node, this.node.outputs, "output", output);
    causes?.forEach((cause) => this.#checkCause(cause));
    const given = causes ?? Array.from({ length: this.rows.size }, (_, row) => row);
    const cells: (readonly unknown[] | undefined)[] = new Array(schema.columns.length).fill(undefined);
    for (const name in columns) {
      const values = columns[name]!;
      if (values.length !== given.length) {
        throw new RangeError(`output ${output}, column ${name} has ${values.length} values for ${given.length} rows`);
      }
      cells[placeOf(schema, "output", output, name)] = values;
    }
    schema.columns.forEach(({ name, role }, place) => {
      const own = role === "KEY" && cells[place] === undefined ? this.node.keyNames.indexOf(name) : -1;
      if (own >= 0) {
        const all = this.rows.columns[this.node.keyPlaces[own]!]!;
        cells[place] = causes === undefined ? all : causes.map((cause) => (cause < 0 ? this.key(cause)[own] : all[cause]));
      }
    });
    this.#spread(output);
    this.#blocks.set(output, { causes: given, columns: cells });
    if (this.#sent.has(output) || falls(given)) {
      this.#spread(output);
    }
  }

  #checkCause(cause: number): void {
    if (!Number.isInteger(cause) || cause < -this.timers.length || cause >= this.rows.size) {
      throw new RangeError(`cause ${cause} is no row or timer of the bundle, which has ${this.rows.size} and ${this.timers.length}`);
    }
  }

  #sentTo(output: string): SentRow[] {
    let sent = this.#sent.get(output);
    if (sent === undefined) {
      sent = [];
      this.#sent.set(output, sent);
    }
    return sent;
  }

  /** Makes single rows of what was sent by column, so that both have one order. */
  #spread(output: string): void {
    const block = this.#blocks.get(output);
    if (block !== undefined) {
      this.#blocks.delete(output);
      const sent = this.#sentTo(output);
      block.causes.forEach((cause, row) => sent.push({ cause, cells: block.columns.map((values) => values?.[row]), deleted: false }));
    }
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
    this.#spread(output);
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
    const first = this.timers.length;
    const single = [...this.#sent].map(([output, rows]) => {
      const sent = inOrder(rows);
      const batch = batchMessage(this.node.outputs.get(output)!, `output ${output}`, sent);
      return { output, rows: batch, causes: sent.map(({ cause }) => cause + first) };
    });
    const blocks = [...this.#blocks].map(([output, { causes, columns }]) => {
      const batch = columnsMessage(this.node.outputs.get(output)!, `output ${output}`, columns, causes.length);
      return { output, rows: batch, causes: first === 0 ? [...causes] : causes.map((cause) => cause + first) };
    });
    const outputs = [...single, ...blocks];
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
  return falls(rows.map(({ cause }) => cause)) ? [...rows].sort((a, b) => a.cause - b.cause) : rows;
}

function falls(causes: readonly number[]): boolean {
  return causes.some((cause, i) => i > 0 && cause < causes[i - 1]!);
}

/** Rows by cell as a batch; errors name the column. */
export function batchMessage(
  schema: RowSchema,
  what: string,
  rows: readonly { readonly cells: readonly unknown[]; readonly deleted: boolean }[],
): MessageInitShape<typeof RowBatchSchema> {
  const columns = schema.columns.map((_, place) => rows.map(({ cells }) => cells[place]));
  const kinds = rows.some(({ deleted }) => deleted) ? rows.map(({ deleted }) => (deleted ? RowKind.DELETE : RowKind.UPSERT)) : [];
  return { ...columnsMessage(schema, what, columns, rows.length), kinds };
}

/** Values by column as a batch, undefined for a column of NULLs; errors name the column. */
function columnsMessage(
  schema: RowSchema,
  what: string,
  values: readonly (readonly unknown[] | undefined)[],
  rowCount: number,
): MessageInitShape<typeof RowBatchSchema> {
  const columns = schema.columns.map(({ name, type }, place) => {
    const cells = values[place];
    try {
      return cells === undefined ? {} : columnEncoder(type)(cells);
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) {
        error.message = `${what}, column ${name} (${type.sql}): ${error.message}`;
      }
      throw error;
    }
  });
  return { schemaId: schema.id, rowCount, columns };
}
