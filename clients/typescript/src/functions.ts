/**
 * Functions of expressions that a program of one's own computes.
 *
 *     await client.createFunction("DISTANCE", "STRING, STRING -> DOUBLE", { deterministic: true, cacheRows: 10_000 });
 *     await new Worker(address, {}, { functions: { DISTANCE: (place, other) => ... } }).run();
 *
 * Then `CREATE STREAM near AS SELECT id, DISTANCE(place, home) AS km FROM trips` and the expressions of topologies call it.
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { batchMessage, ProcessorNode } from "./bundle.js";
import type { Bundle as BundleMessage, BundleResultSchema } from "./gen/penstock/v1/processor_service_pb.js";
import { type Failed, RetryBundle, told } from "./processing.js";
import { Batch } from "./row.js";

/** Called with the arguments of each row; its result. A row for which it throws is a bad record; RetryBundle has all rows come again. */
export type RowFunction = (...values: any[]) => unknown;

/** A function of many rows at once. */
export interface BatchFunction {
  /** One array of values an argument: a result for each place. What it throws has all rows come again. */
  compute(columns: readonly (readonly any[])[]): readonly unknown[] | Promise<readonly unknown[]>;
}

/** What computes a function; either kind may give promises. */
export type FunctionHandler = RowFunction | BatchFunction;

/** The one output of calls. */
const RESULT = "result";

/** The name and version of `NAME`, which is version 1, or `NAME/version`. */
export function served(name: string): { name: string; version: number } {
  const slash = name.indexOf("/");
  return slash < 0 ? { name: name.toUpperCase(), version: 1 } : { name: name.slice(0, slash).toUpperCase(), version: Number(name.slice(slash + 1)) };
}

/** What a function makes of the arguments of `count` rows. */
export async function results(handler: FunctionHandler, columns: readonly (readonly unknown[])[], count: number): Promise<readonly unknown[] | Failed> {
  if (typeof handler === "object") {
    try {
      const found = await handler.compute(columns);
      return found.length === count ? found : again(`compute gave ${found.length} results for ${count} rows`);
    } catch (error) {
      return again(told(error));
    }
  }
  const made: unknown[] = [];
  const bad: number[] = [];
  let reason = "";
  for (let row = 0; row < count; row++) {
    try {
      const result = handler(...columns.map((values) => values[row]));
      made.push(result instanceof Promise ? await result : result);
    } catch (error) {
      if (error instanceof RetryBundle) {
        return again(error.message);
      }
      bad.push(row);
      reason ||= told(error);
    }
  }
  return bad.length === 0 ? made : { rows: bad, timers: [], reason };
}

function again(reason: string): Failed {
  return { rows: [], timers: [], reason };
}

/** What a function makes of a bundle of calls. TypeError or RangeError for a result that is not of the declared type. */
export async function computed(
  handler: FunctionHandler,
  node: ProcessorNode,
  message: BundleMessage,
): Promise<MessageInitShape<typeof BundleResultSchema> | Failed> {
  const { columns, size } = Batch.of(node.input, message.rows);
  const found = await results(handler, columns, size);
  if ("reason" in found) {
    return found;
  }
  const rows = found.map((value) => ({ cells: [value], deleted: false }));
  const { lease, bundle } = message;
  return { lease, bundle, outputs: [{ output: RESULT, rows: batchMessage(node.outputs.get(RESULT)!, RESULT, rows) }] };
}
