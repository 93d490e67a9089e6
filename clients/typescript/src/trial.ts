/** Trying a handler without a service. */

import { Bundle, ProcessorNode } from "./bundle.js";
import { type Columns, schemaMessage } from "./declare.js";
import { ColumnRole } from "./gen/penstock/v1/types_pb.js";
import { type Handler, process } from "./processing.js";
import { Batch, type Fields, RowSchema } from "./row.js";
import type { Timer } from "./timers.js";
import type { Column, SqlType } from "./types.js";

/** What a handler is tried with; columns are as in the topology. */
export interface TrialOptions {
  columns: Columns;
  outputs?: Readonly<Record<string, Columns>>;
  stores?: Readonly<Record<string, Columns>>;
  config?: Readonly<Record<string, string>>;
  /** Rows that there are before, by store. */
  state?: Readonly<Record<string, readonly Fields[]>>;
  /** Those that are due. */
  timers?: readonly Timer[];
}

/**
 * Call a handler with a bundle of rows: the bundle with what came of it, in `sent()`, `state()` and `changedTimers`. Types are not checked. Rejects
 * with what the handler failed with.
 */
export async function trial(handler: Handler, rows: readonly Fields[], options: TrialOptions): Promise<Bundle> {
  const { columns, outputs = {}, stores = {}, config = {}, state = {}, timers = [] } = options;
  const input = schemaOf(columns, [], true);
  const keys = input.columns.filter(({ role }) => role === "KEY");
  const named = (all: Readonly<Record<string, Columns>>, of: (columns: Columns) => RowSchema) =>
    new Map(Object.entries(all).map(([name, declared]) => [name, of(declared)]));
  const node = new ProcessorNode(
    "trial",
    "trial",
    "trial",
    config,
    input,
    named(outputs, (declared) => schemaOf(declared, [], true)),
    named(stores, (declared) => schemaOf(declared, keys, false)),
    new RowSchema(0n, keys, false),
  );
  const before = Object.entries(state).map(([name, given]) => [name, batchOf(node.stores.get(name), `store ${name}`, given)] as const);
  const bundle = new Bundle(node, batchOf(input, "the input", rows), timers, new Map(before));
  const failed = await process(handler, bundle);
  if (failed !== undefined) {
    throw new Error(failed.reason);
  }
  return bundle;
}

/** Types are the service's to know. */
const ANY: SqlType = { kind: "STRING", sql: "STRING" };

/** Declared columns, key columns first. */
function schemaOf(columns: Columns, keys: readonly Column[], meta: boolean): RowSchema {
  const declared = (schemaMessage(columns).columns ?? []).map(
    ({ name = "", role }): Column => ({ name, type: ANY, role: role === ColumnRole.KEY ? "KEY" : "VALUE" }),
  );
  const of = (wanted: "KEY" | "VALUE") => declared.filter(({ role }) => role === wanted);
  const rowtime: Column[] = meta ? [{ name: "ROWTIME", type: { kind: "BIGINT", sql: "BIGINT" }, role: "META" }] : [];
  return new RowSchema(0n, [...keys, ...of("KEY"), ...of("VALUE"), ...rowtime], false);
}

function batchOf(schema: RowSchema | undefined, what: string, rows: readonly Fields[]): Batch {
  if (schema === undefined) {
    throw new RangeError(`there is no ${what}`);
  }
  const columns = schema.columns.map(() => new Array<unknown>(rows.length).fill(null));
  rows.forEach((row, index) => {
    for (const name in row) {
      const place = schema.find(name);
      if (place === undefined) {
        throw new RangeError(`${what}, row ${index}: there is no column ${name}; there are ${schema.names.join(", ")}`);
      }
      columns[place]![index] = row[name];
    }
  });
  return new Batch(schema, columns, rows.length, [], "", false);
}
