/**
 * RowBatch between its columnar form and JavaScript values: one compiled codec for each type, no work per value beyond the conversion.
 *
 * An encoder takes the values of a column, null or undefined for NULL, and gives its ColumnData; a decoder takes ColumnData and the number of
 * slots and gives the values. types.ts says which value each type has.
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { decimalText } from "./decimal.js";
import type { ColumnData, ColumnDataSchema, RowBatch, RowBatchSchema } from "./gen/penstock/v1/row_pb.js";
import { fromDate, fromTime, fromTimestamp, show, toDate, toTime, toTimestamp } from "./times.js";
import { type Kind, resolve, type SqlType } from "./types.js";

type Encoded = MessageInitShape<typeof ColumnDataSchema>;
type Encoder = (values: readonly unknown[]) => Encoded;
type Decoder = (data: ColumnData, slots: number) => unknown[];

const encoders = new WeakMap<SqlType, Encoder>();
const decoders = new WeakMap<SqlType, Decoder>();

/** The encoder of a type. What it makes throws TypeError or RangeError for a value of another type. */
export function columnEncoder(of: SqlType): Encoder {
  let made = encoders.get(of);
  if (made === undefined) {
    made = newEncoder(of);
    encoders.set(of, made);
  }
  return made;
}

/** The decoder of a type. What it makes throws RangeError for data of another type or length. */
export function columnDecoder(of: SqlType): Decoder {
  let made = decoders.get(of);
  if (made === undefined) {
    made = newDecoder(of);
    decoders.set(of, made);
  }
  return made;
}

function newEncoder(of: SqlType): Encoder {
  switch (of.kind) {
    case "ARRAY":
      return listEncoder(columnEncoder(part(of, of.element)));
    case "MAP":
      return mapEncoder(part(of, of.key), columnEncoder(part(of, of.element)));
    case "STRUCT":
      return structEncoder(of);
    case "BOOLEAN":
      return scalarEncoder("booleans", false, (v) => checked(v, typeof v === "boolean", "a boolean"));
    case "INT":
      return scalarEncoder("ints", 0, int);
    case "DATE":
      return scalarEncoder("ints", 0, fromDate);
    case "TIME":
      return scalarEncoder("ints", 0, fromTime);
    case "BIGINT":
      return scalarEncoder("longs", 0n, bigint);
    case "TIMESTAMP":
      return scalarEncoder("longs", 0n, fromTimestamp);
    case "DOUBLE":
      return scalarEncoder("doubles", 0, (v) => checked(v, typeof v === "number", "a number"));
    case "STRING":
      return scalarEncoder("strings", "", (v) => checked(v, typeof v === "string", "a string"));
    case "DECIMAL":
      return scalarEncoder("strings", "", (v) => decimalText(v, of.scale ?? 0));
    case "BYTES":
      return scalarEncoder("binaries", new Uint8Array(), (v) => checked(v, v instanceof Uint8Array, "a Uint8Array"));
  }
}

function newDecoder(of: SqlType): Decoder {
  switch (of.kind) {
    case "ARRAY":
      return listDecoder(columnDecoder(part(of, of.element)));
    case "MAP":
      return mapDecoder(columnDecoder(part(of, of.key)), columnDecoder(part(of, of.element)));
    case "STRUCT":
      return structDecoder(of);
    case "DATE":
      return scalarDecoder("ints", (v) => toDate(v as number));
    case "TIME":
      return scalarDecoder("ints", (v) => toTime(v as number));
    case "TIMESTAMP":
      return scalarDecoder("longs", (v) => toTimestamp(v as bigint));
    default:
      return scalarDecoder(ARRAYS[of.kind], undefined);
  }
}

type Scalars = "booleans" | "ints" | "longs" | "doubles" | "strings" | "binaries";
const ARRAYS: Readonly<Record<Exclude<Kind, "ARRAY" | "MAP" | "STRUCT">, Scalars>> = {
  BOOLEAN: "booleans",
  INT: "ints",
  DATE: "ints",
  TIME: "ints",
  BIGINT: "longs",
  TIMESTAMP: "longs",
  DOUBLE: "doubles",
  STRING: "strings",
  DECIMAL: "strings",
  BYTES: "binaries",
};

function part(of: SqlType, inner: SqlType | undefined): SqlType {
  if (inner === undefined) {
    throw new RangeError(`the type ${of.sql} is not complete`);
  }
  return inner;
}

function checked<T>(value: T, right: boolean, wanted: string): T {
  if (!right) {
    throw new TypeError(`expected ${wanted}, not ${show(value)}`);
  }
  return value;
}

function int(value: unknown): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (!Number.isInteger(number)) {
    throw new TypeError(`expected a whole number, not ${show(value)}`);
  }
  if ((number as number) < -0x8000_0000 || (number as number) > 0x7fff_ffff) {
    throw new RangeError(`${value} does not fit INT`);
  }
  return number as number;
}

function bigint(value: unknown): bigint {
  const number = Number.isSafeInteger(value) ? BigInt(value as number) : value;
  if (typeof number !== "bigint") {
    throw new TypeError(`expected a bigint or a safe whole number, not ${show(value)}`);
  }
  if (BigInt.asIntN(64, number) !== number) {
    throw new RangeError(`${value} does not fit BIGINT`);
  }
  return number;
}

/** Bit i, least significant first, is set when values[i] is there; empty when every one is. */
export function packValidity(values: readonly unknown[]): Uint8Array {
  if (!values.some((v) => v == null)) {
    return new Uint8Array();
  }
  const bits = new Uint8Array((values.length + 7) >> 3);
  values.forEach((v, i) => {
    if (v != null) {
      bits[i >> 3]! |= 1 << (i & 7);
    }
  });
  return bits;
}

/** The values with null where the validity says so. */
function masked(data: ColumnData, values: unknown[]): unknown[] {
  const bits = data.validity;
  if (bits.length === 0) {
    return values;
  }
  if (bits.length * 8 < values.length) {
    throw new RangeError(`validity has ${bits.length * 8} bits for ${values.length} slots`);
  }
  return values.map((v, i) => ((bits[i >> 3]! >> (i & 7)) & 1 ? v : null));
}

function scalarEncoder(field: Scalars, zero: unknown, convert: (value: unknown) => unknown): Encoder {
  return (values) => {
    const converted = values.map((v) => (v == null ? zero : convert(v)));
    return { validity: packValidity(values), data: { case: field, value: { values: converted } } } as Encoded;
  };
}

function scalarDecoder(field: Scalars, convert: ((value: unknown) => unknown) | undefined): Decoder {
  return (data, slots) => {
    const array = arrayOf(data, field);
    if (array === undefined) {
      return new Array(slots).fill(null);
    }
    const values = array.values as unknown[];
    sameLength(values.length, slots);
    // Null slots hold a zero, which every conversion takes.
    return masked(data, convert === undefined ? values : values.map(convert));
  };
}

function listEncoder(element: Encoder): Encoder {
  return (values) => {
    const present = values.map((v) => (v == null ? [] : checked(v, Array.isArray(v), "an array"))) as unknown[][];
    const value = { lengths: present.map((v) => v.length), elements: element(present.flat(1)) };
    return { validity: packValidity(values), data: { case: "lists", value } };
  };
}

function listDecoder(element: Decoder): Decoder {
  return (data, slots) => {
    const lists = arrayOf(data, "lists");
    if (lists === undefined) {
      return new Array(slots).fill(null);
    }
    sameLength(lists.lengths.length, slots);
    return masked(data, cut(inner(lists.elements, sum(lists.lengths), element), lists.lengths));
  };
}

function mapEncoder(key: SqlType, value: Encoder): Encoder {
  const keys = columnEncoder(key);
  return (values) => {
    const present = values.map((v) => (v == null ? [] : entriesOf(v, key)));
    const flat = present.flat(1);
    if (flat.some(([k]) => k == null)) {
      throw new RangeError("a MAP has no null key");
    }
    const maps = { lengths: present.map((v) => v.length), keys: keys(flat.map(([k]) => k)), values: value(flat.map(([, v]) => v)) };
    return { validity: packValidity(values), data: { case: "maps", value: maps } };
  };
}

function entriesOf(value: unknown, key: SqlType): [unknown, unknown][] {
  if (value instanceof Map) {
    return [...(value as Map<unknown, unknown>)];
  }
  if (isPlain(value) && key.kind === "STRING") {
    return Object.entries(value);
  }
  throw new TypeError(`expected a Map${key.kind === "STRING" ? " or an object" : ""}, not ${show(value)}`);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  const prototype: unknown = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
  return prototype === Object.prototype || prototype === null;
}

function mapDecoder(key: Decoder, value: Decoder): Decoder {
  return (data, slots) => {
    const maps = arrayOf(data, "maps");
    if (maps === undefined) {
      return new Array(slots).fill(null);
    }
    const { lengths } = maps;
    sameLength(lengths.length, slots);
    const total = sum(lengths);
    const keys = cut(inner(maps.keys, total, key), lengths);
    const values = cut(inner(maps.values, total, value), lengths);
    return masked(
      data,
      keys.map((ks, i) => new Map(ks.map((k, j) => [k, values[i]![j]]))),
    );
  };
}

function structEncoder(of: SqlType): Encoder {
  const fields = (of.fields ?? []).map(({ name, type }) => ({ name, encode: columnEncoder(type) }));
  const names = fields.map(({ name }) => name);
  return (values) => {
    const present = values.map((v) => (v == null ? {} : named(names, v)));
    const value = { fields: fields.map(({ name, encode }) => encode(present.map((v) => v[name]))) };
    return { validity: packValidity(values), data: { case: "structs", value } };
  };
}

/** The fields of a value by their own names, found as columns are (types.resolve). */
function named(names: readonly string[], value: unknown): Record<string, unknown> {
  if (!isPlain(value)) {
    throw new TypeError(`expected an object, not ${show(value)}`);
  }
  const out: Record<string, unknown> = {};
  for (const [given, one] of Object.entries(value)) {
    const name = resolve(names, given);
    if (name === undefined) {
      throw new RangeError(`unknown field ${given}; this STRUCT has ${names.join(", ")}`);
    }
    out[name] = one;
  }
  return out;
}

function structDecoder(of: SqlType): Decoder {
  const fields = (of.fields ?? []).map(({ name, type }) => ({ name, decode: columnDecoder(type) }));
  return (data, slots) => {
    const structs = arrayOf(data, "structs");
    if (structs === undefined) {
      return new Array(slots).fill(null);
    }
    sameLength(structs.fields.length, fields.length);
    const columns = fields.map(({ name, decode }, i) => ({ name, values: decode(structs.fields[i]!, slots) }));
    const rows = Array.from({ length: slots }, (_, i) => Object.fromEntries(columns.map(({ name, values }) => [name, values[i]])));
    return masked(data, rows);
  };
}

type Arrays = Exclude<ColumnData["data"]["case"], undefined>;
type ArrayOf<F extends Arrays> = Extract<ColumnData["data"], { case: F }>["value"];

/** The column's array; undefined when every slot is null. RangeError for data of another type. */
function arrayOf<F extends Arrays>(data: ColumnData, field: F): ArrayOf<F> | undefined {
  const { case: held, value } = data.data;
  if (held !== undefined && held !== field) {
    throw new RangeError(`the column holds ${held} where its type needs ${field}`);
  }
  return value as ArrayOf<F> | undefined;
}

function inner(data: ColumnData | undefined, slots: number, decode: Decoder): unknown[] {
  return data === undefined ? new Array(slots).fill(null) : decode(data, slots);
}

/** Consecutive slices of the given lengths. */
function cut(flat: unknown[], lengths: readonly number[]): unknown[][] {
  let start = 0;
  return lengths.map((length) => flat.slice(start, (start += length)));
}

function sum(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total + length, 0);
}

function sameLength(actual: number, expected: number): void {
  if (actual !== expected) {
    throw new RangeError(`the column has ${actual} slots where the batch has ${expected}`);
  }
}

/** A batch of `rows` UPSERTs from one array of values a column. */
export function encodeBatch(
  types: readonly SqlType[],
  columns: readonly (readonly unknown[])[],
  rows: number,
): MessageInitShape<typeof RowBatchSchema> {
  return { rowCount: rows, columns: types.map((type, i) => columnEncoder(type)(columns[i] ?? [])) };
}

/** One array of values a column. RangeError when the batch does not have these columns. */
export function decodeBatch(types: readonly SqlType[], batch: RowBatch): unknown[][] {
  sameLength(batch.columns.length, types.length);
  return types.map((type, i) => columnDecoder(type)(batch.columns[i]!, batch.rowCount));
}
