/** JavaScript values as Value messages: keys and parameters. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ValueSchema } from "./gen/penstock/v1/types_pb.js";
import { fromTimestamp, show } from "./times.js";

type Message = MessageInitShape<typeof ValueSchema>;

/**
 * A key column's value or a parameter. A whole number is an integer, which DOUBLE columns take too; DECIMAL, DATE and TIME are given as text.
 */
export type Value =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | { readonly [name: string]: Value };

/** A key: one value, or an array of one for each key column. */
export type Key = Exclude<Value, readonly Value[]> | readonly Value[];

/** Values of `:name` by name. */
export type Parameters = Readonly<Record<string, Value>>;

/** The message of a value, by its type; null is NULL. TypeError for one without a message. */
export function toValue(value: Value): Message {
  switch (typeof value) {
    case "undefined":
      return {};
    case "boolean":
      return { kind: { case: "boolean", value } };
    case "bigint":
      return { kind: { case: "integer", value } };
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? { kind: { case: "integer", value: BigInt(value) } }
        : { kind: { case: "floating", value } };
    case "string":
      return { kind: { case: "text", value } };
    case "object":
      return value === null ? {} : fromObject(value);
    default:
      throw new TypeError(`no SQL value for ${show(value)}`);
  }
}

function fromObject(value: Exclude<Value, null | undefined | boolean | number | bigint | string>): Message {
  if (value instanceof Uint8Array) {
    return { kind: { case: "binary", value } };
  }
  if (value instanceof Date) {
    return { kind: { case: "integer", value: fromTimestamp(value) } };
  }
  if (Array.isArray(value)) {
    return { kind: { case: "list", value: { values: value.map(toValue) } } };
  }
  const entries: [string, Value][] = value instanceof Map ? [...value] : Object.entries(value);
  return { kind: { case: "entries", value: { keys: entries.map(([k]) => toValue(k)), values: entries.map(([, v]) => toValue(v)) } } };
}

/** A key as one value for each key column: an array has several, anything else is the only one. */
export function toValues(key: Key): Message[] {
  return Array.isArray(key) ? key.map(toValue) : [toValue(key)];
}

/** Parameters as a request has them; a colon before a name is taken off. */
export function parameters(values: Parameters | undefined): Record<string, Message> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name.replace(/^:/, ""), toValue(value)]));
}
