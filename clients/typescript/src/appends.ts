/** Batches of rows for Append: typed columns when the relation's schema is known, else JSON objects. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Operation } from "./connection.js";
import { BY_REASON, InvalidRowError, rowErrors } from "./errors.js";
import {
  type AppendAck,
  type AppendBatchSchema,
  type AppendRequestSchema,
  type AppendResponseSchema,
  AppendService,
  OnInvalid,
} from "./gen/penstock/v1/append_service_pb.js";
import { jsonText } from "./json.js";
import { type Appended, appendedOf, type Relation } from "./model.js";
import { type Instant, timestamp } from "./position.js";
import { encodeBatch } from "./rows.js";
import { type Column, resolve } from "./types.js";

/** One row: values by column name, ROWTIME included if wanted. types.ts says which values a type takes. */
export type RowInput = Readonly<Record<string, unknown>>;

/** One row or one batch of them. */
export type Rows = RowInput | readonly RowInput[];

/** A record as bytes in the relation's own formats. */
export interface RawRecord {
  /** Null without one. */
  key?: Uint8Array | null;
  /** Null is a tombstone. */
  value?: Uint8Array | null;
  /** The service's clock without it. */
  timestamp?: Instant;
  /** Overrides the hash of the key. */
  partition?: number;
  headers?: readonly (readonly [name: string, value: Uint8Array | null])[];
}

/** How a batch is written. */
export interface AppendOptions {
  /** Send JSON objects, which the service casts as INSERT VALUES does; the relation's schema is not asked for. */
  asJson?: boolean;
  /** Write the valid rows and name the others in `rowErrors`, instead of refusing the batch. */
  skipInvalid?: boolean;
  /** With `sequence` the batch is written exactly once, however often it is sent. */
  producerId?: string;
  /** 1, 2, 3 and so on within the producer. */
  sequence?: number | bigint;
}

/** The rows of a batch in one of three forms. */
export type Content = NonNullable<MessageInitShape<typeof AppendBatchSchema>["content"]>;

// Every relation takes it: the row's time; without it the service's clock.
const ROWTIME: Column = { name: "ROWTIME", type: { kind: "TIMESTAMP", sql: "TIMESTAMP" }, role: "META" };

/** One row or many, as an array. */
export function listed(rows: Rows): readonly RowInput[] {
  return Array.isArray(rows) ? rows : [rows as RowInput];
}

/**
 * The rows as columns: those that any row names. RangeError for a name that the relation does not have, TypeError or RangeError for a value of
 * another type, each naming the column.
 */
export function typed(relation: Relation, rows: readonly RowInput[]): Content {
  const columns = [...relation.columns.filter(({ role }) => role === "KEY" || role === "VALUE"), ROWTIME];
  const names = columns.map(({ name }) => name);
  const known = new Map<string, unknown[]>();
  const cells = new Map<string, unknown[]>();
  rows.forEach((row, place) => {
    for (const [given, value] of Object.entries(row)) {
      let values = known.get(given);
      if (values === undefined) {
        const name = resolve(names, given);
        if (name === undefined) {
          throw new RangeError(`${relation.name} has no column ${given}; there are ${names.join(", ")}`);
        }
        values = cells.get(name) ?? new Array<unknown>(rows.length).fill(null);
        cells.set(name, values);
        known.set(given, values);
      }
      values[place] = value;
    }
  });
  const used = columns.filter(({ name }) => cells.has(name));
  return { case: "rows", value: { columns: used.map(({ name }) => name), batch: encode(used, cells, rows.length) } };
}

function encode(used: readonly Column[], cells: ReadonlyMap<string, readonly unknown[]>, count: number) {
  const types = used.map(({ type }) => type);
  try {
    return encodeBatch(
      types,
      used.map(({ name }) => cells.get(name)!),
      count,
    );
  } catch (error) {
    for (const column of used) {
      blame(column, cells.get(column.name)!);
    }
    throw error;
  }
}

/** Throw for the first value of the column that cannot be encoded by itself. */
function blame({ name, type }: Column, values: readonly unknown[]): void {
  values.forEach((value, place) => {
    try {
      encodeBatch([type], [[value]], 1);
    } catch (error) {
      const wrong = error instanceof RangeError ? RangeError : TypeError;
      throw new wrong(`row ${place}, column ${name} ${type.sql}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  });
}

/** The rows as JSON objects, cast by the service as INSERT VALUES does. */
export function asJson(rows: readonly RowInput[]): Content {
  return { case: "json", value: { rows: rows.map(jsonText) } };
}

/** Records as bytes. */
export function raw(records: readonly RawRecord[]): Content {
  return {
    case: "records",
    value: {
      records: records.map(({ key, value, timestamp: at, partition, headers = [] }) => ({
        ...(key == null ? {} : { key }),
        ...(value == null ? {} : { value }),
        ...(at === undefined ? {} : { timestamp: timestamp(at) }),
        ...(partition === undefined ? {} : { partition }),
        headers: headers.map(([name, bytes]) => ({ key: name, ...(bytes === null ? {} : { value: bytes }) })),
      })),
    },
  };
}

/** A batch of any content. */
export function batchMessage(relation: string, content: Content, sequence: bigint, skipInvalid: boolean) {
  const onInvalid = skipInvalid ? OnInvalid.SKIP_ROWS : OnInvalid.REJECT_BATCH;
  return { relation, content, sequence, onInvalid } satisfies MessageInitShape<typeof AppendBatchSchema>;
}

/** The result of a batch. Refused rows throw the class of the first one's reason, InvalidRowError or a closer one. */
export function acknowledged(ack: AppendAck | undefined, skipInvalid: boolean): Appended {
  const errors = rowErrors(ack?.rowErrors ?? []);
  const [first] = errors;
  if (first !== undefined && !skipInvalid) {
    const text = first.message.startsWith("row ") ? first.message : `row ${first.row}: ${first.message}`;
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more rows)` : "";
    throw new (BY_REASON[first.reason] ?? InvalidRowError)(text + more, {
      code: "INVALID_ARGUMENT", // as every reason of a row has
      metadata: first.metadata,
      rowErrors: errors,
    });
  }
  return ack === undefined ? { position: "", appended: 0, duplicate: false, rowErrors: errors } : appendedOf(ack, errors);
}

/** Append. Only a batch with a producer and a sequence may be repeated. */
export function append(
  relation: string,
  content: Content,
  { skipInvalid = false, producerId = "", sequence = 0 }: AppendOptions,
): Operation<typeof AppendRequestSchema, typeof AppendResponseSchema, Appended> {
  return {
    method: AppendService.method.append,
    request: { producerId, batch: batchMessage(relation, content, BigInt(sequence), skipInvalid) },
    read: (r) => acknowledged(r.ack, skipInvalid),
    idempotent: producerId !== "",
  };
}
