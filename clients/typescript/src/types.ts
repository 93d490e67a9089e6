/**
 * SQL types as responses give them, and the JavaScript value of each.
 *
 * | type | value |
 * |---|---|
 * | BOOLEAN | boolean |
 * | INT | number |
 * | BIGINT | bigint |
 * | DOUBLE | number |
 * | DECIMAL(p, s) | string, with exactly the scale's digits |
 * | STRING | string |
 * | BYTES | Uint8Array |
 * | DATE | string, `YYYY-MM-DD` |
 * | TIME | string, `HH:MM:SS.mmm` |
 * | TIMESTAMP | Date, whole milliseconds |
 * | ARRAY<T> | array |
 * | MAP<K, V> | Map |
 * | STRUCT<...> | object with every field, in the type's order |
 *
 * NULL is null everywhere. A DATE outside the years 1 to 9999 arrives as its number of days since 1970, a TIMESTAMP where a Date does not
 * reach as its milliseconds since 1970, a bigint. Such numbers may also be sent, a whole number or a bigint for each of INT, BIGINT and
 * DECIMAL, and an object for a MAP whose keys are STRING.
 */

import { type Schema, type Type, ColumnRole, TypeKind } from "./gen/penstock/v1/types_pb.js";

/** The outermost constructor of a type. */
export type Kind =
  | "BOOLEAN"
  | "INT"
  | "BIGINT"
  | "DOUBLE"
  | "DECIMAL"
  | "STRING"
  | "BYTES"
  | "DATE"
  | "TIME"
  | "TIMESTAMP"
  | "ARRAY"
  | "MAP"
  | "STRUCT";

/** One SQL type. `element` is an ARRAY's element and a MAP's value. */
export interface SqlType {
  readonly kind: Kind;
  /** The type as SQL text. */
  readonly sql: string;
  readonly precision?: number;
  readonly scale?: number;
  readonly key?: SqlType;
  readonly element?: SqlType;
  readonly fields?: readonly { readonly name: string; readonly type: SqlType }[];
}

/** Where a column lives in a record. META is ROWTIME, ROWPARTITION or ROWOFFSET; WINDOW is WINDOWSTART or WINDOWEND. */
export type Role = "KEY" | "VALUE" | "HEADER" | "WINDOW" | "META";

/** One column. */
export interface Column {
  readonly name: string;
  readonly type: SqlType;
  readonly role: Role;
}

/** The type that a response describes. RangeError for a kind that this client does not know. */
export function typeOf(message: Type | undefined): SqlType {
  const kind = TypeKind[message?.kind ?? TypeKind.UNSPECIFIED] as Kind | "UNSPECIFIED" | undefined;
  if (message === undefined || kind === undefined || kind === "UNSPECIFIED") {
    throw new RangeError(`this client does not know the type ${message?.sql || message?.kind}; a newer one may`);
  }
  switch (kind) {
    case "DECIMAL":
      return { kind, sql: message.sql, precision: message.precision, scale: message.scale };
    case "ARRAY":
      return { kind, sql: message.sql, element: typeOf(message.element) };
    case "MAP":
      return { kind, sql: message.sql, key: typeOf(message.key), element: typeOf(message.element) };
    case "STRUCT":
      return { kind, sql: message.sql, fields: message.fields.map(({ name, type }) => ({ name, type: typeOf(type) })) };
    default:
      return { kind, sql: message.sql };
  }
}

/** The columns that a response describes. */
export function columnsOf(schema: Schema | undefined): readonly Column[] {
  return (schema?.columns ?? []).map(({ name, type, role }) => {
    const of = ColumnRole[role] as Role | "UNSPECIFIED" | undefined;
    return { name, type: typeOf(type), role: of === undefined || of === "UNSPECIFIED" ? "VALUE" : of };
  });
}

/** The one of `names` that is meant: exactly it, else in upper case, else the only one that differs by case alone. */
export function resolve(names: readonly string[], name: string): string | undefined {
  const upper = name.toUpperCase();
  if (names.includes(name)) {
    return name;
  }
  if (names.includes(upper)) {
    return upper;
  }
  const alike = names.filter((one) => one.toUpperCase() === upper);
  return alike.length === 1 ? alike[0] : undefined;
}
