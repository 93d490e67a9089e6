/** Requests of Get, BatchGet and Scan, and their responses as rows. */

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Operation } from "./connection.js";
import {
  type BatchGetRequestSchema,
  type BatchGetResponseSchema,
  GetRequestSchema,
  type GetResponseSchema,
  LookupService,
  type ScanRequestSchema,
  type ScanResponse,
  type WindowRangeSchema,
} from "./gen/penstock/v1/lookup_service_pb.js";
import type { Relation } from "./model.js";
import { consistency, type Freshness, type Instant, timestamp } from "./position.js";
import { Batch, type Row, RowSchema } from "./row.js";
import { encodeBatch } from "./rows.js";
import { fromTimestamp } from "./times.js";
import type { Column } from "./types.js";
import { type Key, type Parameters, parameters, toValues } from "./values.js";

/** What every lookup may ask. */
export interface LookupOptions extends Freshness {
  /** These in place of key, window and value columns. */
  columns?: readonly string[];
}

/** Windows by their start, both bounds inclusive. */
export interface WindowBounds {
  startFrom?: Instant;
  startTo?: Instant;
}

/** What a scan asks. Bounds of keys are inclusive, arrays for several key columns. */
export interface ScanOptions extends LookupOptions, WindowBounds {
  /** A BOOLEAN expression that keeps rows. */
  where?: string;
  /** Values of `:name` in it. */
  parameters?: Parameters;
  prefix?: Key;
  fromKey?: Key;
  toKey?: Key;
  /** Rows at most; 0 is none. */
  limit?: number;
  /** Goes on after an earlier scan of the same relation and conditions. */
  cursor?: string;
}

const WINDOWSTART: Column = { name: "WINDOWSTART", type: { kind: "BIGINT", sql: "BIGINT" }, role: "WINDOW" };

function windowRange({ startFrom, startTo }: WindowBounds): { windows?: MessageInitShape<typeof WindowRangeSchema> } {
  if (startFrom === undefined && startTo === undefined) {
    return {};
  }
  return {
    windows: {
      ...(startFrom === undefined ? {} : { startFrom: timestamp(startFrom) }),
      ...(startTo === undefined ? {} : { startTo: timestamp(startTo) }),
    },
  };
}

function freshness(options: Freshness) {
  const wanted = consistency(options);
  return wanted === undefined ? {} : { consistency: wanted };
}

function asOf(at: Instant | undefined) {
  return at === undefined ? {} : { asOf: timestamp(at) };
}

/** Get: the rows of one key. `at`: those of a versioned table that were valid then. */
export function get<T extends object>(
  relation: string,
  key: Key,
  options: LookupOptions & WindowBounds,
  at?: Instant,
): Operation<typeof GetRequestSchema, typeof GetResponseSchema, Batch<T>> {
  const values = toValues(key);
  return {
    method: LookupService.method.get,
    request: {
      relation,
      key: values,
      columns: [...(options.columns ?? [])],
      ...windowRange(options),
      ...freshness(options),
      ...asOf(at),
    },
    read: (r) => Batch.of<T>(RowSchema.of(r.schema), r.rows, r.position?.value),
    idempotent: true,
    extraMs: options.maxWaitMs ?? 0,
    place: () => placeOf(relation, values),
    owner: (r) => r.owner,
  };
}

/** A key as text, by which its owner is known. */
function placeOf(relation: string, key: ReturnType<typeof toValues>): string {
  return Buffer.from(toBinary(GetRequestSchema, create(GetRequestSchema, { relation, key }))).toString("latin1");
}

/** The row of a key without windows. RangeError when the key has several. */
export function onlyRow<T extends object>(batch: Batch<T>): Row<T> | undefined {
  if (batch.size > 1) {
    throw new RangeError("the table is windowed: use getWindows");
  }
  const [row] = batch;
  return row;
}

/** BatchGet: for each key its row or undefined. Of a windowed table a key ends with its window's start. */
export function batchGet<T extends object>(
  table: Relation,
  keys: readonly Key[],
  options: LookupOptions,
  at?: Instant,
): Operation<typeof BatchGetRequestSchema, typeof BatchGetResponseSchema, (Row<T> | undefined)[]> {
  const wanted = table.windowed ? [...table.key, WINDOWSTART] : table.key;
  const rows = keys.map((key) => (Array.isArray(key) ? key : [key]) as readonly unknown[]);
  if (rows.some((row) => row.length !== wanted.length)) {
    throw new RangeError(`a key of ${table.name} is (${wanted.map(({ name }) => name).join(", ")})`);
  }
  const cells = wanted.map((column, i) => rows.map((row) => (column === WINDOWSTART ? fromTimestamp(row[i]) : row[i])));
  const types = wanted.map(({ type }) => type);
  return {
    method: LookupService.method.batchGet,
    request: {
      relation: table.name,
      keys: encodeBatch(types, cells, rows.length),
      columns: [...(options.columns ?? [])],
      ...freshness(options),
      ...asOf(at),
    },
    read: (r) => {
      const out = new Array<Row<T> | undefined>(rows.length).fill(undefined);
      let next = 0;
      for (const row of Batch.of<T>(RowSchema.of(r.schema), r.rows, r.position?.value)) {
        out[r.keyIndexes[next++]!] = row;
      }
      return out;
    },
    idempotent: true,
    extraMs: options.maxWaitMs ?? 0,
  };
}

/** A scan that goes on after a broken connection: `request` for the next call, `take` for each response. */
export class ScanState<T extends object> {
  cursor: string;
  position = "";
  readonly #relation: string;
  readonly #options: ScanOptions;
  #taken = 0;
  #schema: RowSchema | undefined;

  constructor(relation: string, options: ScanOptions) {
    this.#relation = relation;
    this.#options = options;
    this.cursor = options.cursor ?? "";
  }

  /** What is asked next: the same scan, after the last response's cursor. */
  request(): MessageInitShape<typeof ScanRequestSchema> {
    const { where = "", columns = [], limit = 0, prefix, fromKey, toKey } = this.#options;
    const bounded = prefix !== undefined || fromKey !== undefined || toKey !== undefined;
    return {
      relation: this.#relation,
      where,
      parameters: parameters(this.#options.parameters),
      columns: [...columns],
      limit: BigInt(limit),
      cursor: this.cursor,
      ...(bounded ? { range: { prefix: bound(prefix), fromKey: bound(fromKey), toKey: bound(toKey) } } : {}),
      ...windowRange(this.#options),
      ...freshness(this.#options),
    };
  }

  /** The rows of a response, undefined when it has none. */
  take(response: ScanResponse): Batch<T> | undefined {
    if (response.schema !== undefined) {
      this.#schema = RowSchema.of(response.schema);
    }
    this.position = response.position?.value ?? this.position;
    this.cursor = response.cursor || this.cursor;
    if (response.rows === undefined || response.rows.rowCount === 0) {
      return undefined;
    }
    if (this.#schema === undefined) {
      throw new RangeError("the service sent rows before their schema");
    }
    const whole = Batch.of<T>(this.#schema, response.rows, response.position?.value);
    const { limit = 0 } = this.#options;
    // A scan that was broken off counts its limit anew.
    const batch = limit > 0 ? whole.head(limit - this.#taken) : whole;
    this.#taken += batch.size;
    return batch;
  }

  /** Whether nothing more comes: only the last response has a position. */
  get done(): boolean {
    const { limit = 0 } = this.#options;
    return this.position !== "" || (limit > 0 && this.#taken >= limit);
  }
}

function bound(key: Key | undefined) {
  return key === undefined ? [] : toValues(key);
}
