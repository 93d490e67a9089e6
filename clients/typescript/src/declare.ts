/** Declarations in TypeScript: relations, columns and topic bindings as messages. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RemoteFunctionSchema } from "./gen/penstock/v1/catalog_service_pb.js";
import { type RelationSchema, RelationKind, type TopicBindingSchema } from "./gen/penstock/v1/relation_pb.js";
import { type ColumnSchema, ColumnRole, type SchemaSchema } from "./gen/penstock/v1/types_pb.js";
import { duration, type Span } from "./position.js";

/** `"CUSTOMER STRING KEY, PRICE DOUBLE"`, the same as an array of columns, or an object from name to `TYPE [KEY]`. */
export type Columns = string | readonly string[] | Readonly<Record<string, string>>;

/** How a relation is bound to a topic. Formats are names such as JSON, KAFKA, DELIMITED, AVRO, NONE. */
export interface Binding {
  /** The relation's name by default. */
  topic?: string;
  /** Of a topic that is made; the service's default without it. */
  partitions?: number;
  /** How long a topic that is made keeps records. */
  retention?: Span;
  /** Whether to make the topic when it is missing. Default true. */
  create?: boolean;
  keyFormat?: string;
  valueFormat?: string;
  keyProperties?: Record<string, string>;
  valueProperties?: Record<string, string>;
  /** Takes ROWTIME from a column. */
  timestampColumn?: string;
  timestampFormat?: string;
}

/** A binding as a message. */
export function bindingMessage(binding: Binding): MessageInitShape<typeof TopicBindingSchema> {
  const { topic = "", partitions = 0, retention, create = true, keyFormat = "", valueFormat = "" } = binding;
  const { keyProperties = {}, valueProperties = {}, timestampColumn = "", timestampFormat = "" } = binding;
  return {
    topic,
    timestampColumn,
    timestampFormat,
    ...(keyFormat === "" ? {} : { keyFormat: { name: keyFormat, properties: keyProperties } }),
    ...(valueFormat === "" ? {} : { valueFormat: { name: valueFormat, properties: valueProperties } }),
    ...(create ? { create: { partitions, ...(retention === undefined ? {} : { retention: duration(retention) }) } } : {}),
  };
}

/** The message of columns. TypeError for a column that is not `NAME TYPE [KEY]`; types are checked by the service. */
export function schemaMessage(columns: Columns): MessageInitShape<typeof SchemaSchema> {
  const texts = typeof columns === "string" ? split(columns) : Array.isArray(columns) ? columns : named(columns as Record<string, string>);
  return { columns: texts.map(columnMessage) };
}

/** The message of a declaration. */
export function relationMessage(
  name: string,
  kind: "STREAM" | "TABLE",
  columns: Columns,
  binding: Binding = {},
): MessageInitShape<typeof RelationSchema> {
  return { name, kind: RelationKind[kind], schema: schemaMessage(columns), topic: bindingMessage(binding) };
}

/** How a function that programs compute is called. */
export interface FunctionOptions {
  /** Of its meaning; programs say which they compute. Default 1. */
  version?: number;
  /** Equal arguments always give equal results. */
  deterministic?: boolean;
  /** Called with null arguments too; otherwise the result is null when one is. */
  calledOnNull?: boolean;
  /** After this time without an answer a bundle goes to another program. Default 30 s. */
  timeout?: Span;
  /** How often a bundle that fails as a whole is tried. Default 0: without an end. */
  maxAttempts?: number;
  /** Results that a task keeps for equal arguments, when it is deterministic. Default 0. */
  cacheRows?: number;
  /** Rows that a bundle has at most. Default 1000. */
  bundleRows?: number;
  description?: string;
}

/** The message of a function. `signature`: `STRING, BIGINT -> DOUBLE`. TypeError when it is none; types are checked by the service. */
export function functionMessage(name: string, signature: string, options: FunctionOptions): MessageInitShape<typeof RemoteFunctionSchema> {
  const arrow = signature.lastIndexOf("->");
  const [taken, result] = [signature.slice(0, Math.max(arrow, 0)).trim(), signature.slice(arrow + 2).trim()];
  if (taken === "" || result === "") {
    throw new TypeError(`"${signature}" is no signature: write TYPE, TYPE -> TYPE`);
  }
  const { version = 1, deterministic = false, calledOnNull = false, timeout, maxAttempts = 0, cacheRows = 0, bundleRows = 0, description = "" } = options;
  return {
    name,
    version,
    arguments: split(taken).map((sql) => ({ sql: sql.trim() })),
    result: { sql: result },
    deterministic,
    calledOnNull,
    maxAttempts,
    cacheRows,
    bundleRows,
    description,
    ...(timeout === undefined ? {} : { timeout: duration(timeout) }),
  };
}

function named(columns: Record<string, string>): string[] {
  return Object.entries(columns).map(([name, rest]) => `\`${name.replaceAll("`", "``")}\` ${rest}`);
}

const COLUMN = /^\s*(?:`((?:[^`]|``)+)`|([^\s`]+))\s+(.+?)(\s+(?:PRIMARY\s+)?KEY)?\s*$/is;

function columnMessage(text: string): MessageInitShape<typeof ColumnSchema> {
  const parts = COLUMN.exec(text);
  if (parts === null) {
    throw new TypeError(`"${text.trim()}" is no column: write NAME TYPE or NAME TYPE KEY`);
  }
  const [, quoted, plain, sql, key] = parts;
  return {
    name: quoted?.replaceAll("``", "`") ?? plain ?? "",
    type: { sql: sql ?? "" },
    role: key === undefined ? ColumnRole.VALUE : ColumnRole.KEY,
  };
}

/** Columns of a list, cut at the commas outside brackets and backquotes. */
function split(text: string): string[] {
  const parts: string[] = [];
  let [depth, quoted, start] = [0, false, 0];
  for (let place = 0; place < text.length; place++) {
    const char = text.charAt(place);
    if (char === "`") {
      quoted = !quoted;
    } else if (!quoted) {
      depth += ("(<".includes(char) ? 1 : 0) - (")>".includes(char) ? 1 : 0);
      if (char === "," && depth === 0) {
        parts.push(text.slice(start, place));
        start = place + 1;
      }
    }
  }
  return [...parts, text.slice(start)];
}
