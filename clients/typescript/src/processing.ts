/**
 * Handlers: what a program does with the rows of a remote processor.
 *
 *     const points: Handler = (row, context) => {
 *       const total = (context.state("totals")?.TOTAL ?? 0n) + BigInt(Math.floor(row.get("price")));
 *       context.put("totals", { total });
 *       context.send("rewards", { total });
 *     };
 *     await new Worker("127.0.0.1:7550", { points }).run();
 *
 * Whatever a handler did for a bundle is committed together with the bundle's rows, or not at all, so a bundle may be seen more than once: keep
 * nothing that counts outside of its context.
 */

import type { Bundle, ProcessorNode, RowKey, SendOptions } from "./bundle.js";
import { type Fields, Row } from "./row.js";
import type { Clock, Timer } from "./timers.js";

/** Called with each row. A row for which it throws or rejects is a bad record: the others are processed again without it. */
export type RowHandler = (row: Row, context: RowContext) => void | Promise<void>;

/** A handler that sets timers. A timer for which onTimer throws becomes a bad record, and is gone. */
export interface TimerHandler {
  processRow: RowHandler;
  /** Called with each timer that is due, before the rows of its bundle. */
  onTimer(timer: Timer, context: RowContext): void | Promise<void>;
}

/** A handler of whole bundles, which is faster for simple work on columns. */
export interface BundleHandler {
  /** Calls put and send. What it throws fails the whole bundle, which is tried again, unless it is BadRows. */
  processBundle(bundle: Bundle): void | Promise<void>;
}

/** A function that is called with each row, or an object that fires timers too, or one that takes whole bundles. */
export type Handler = RowHandler | TimerHandler | BundleHandler;

/** Throw it when the rows are not to blame: the whole bundle comes again after a while. */
export class RetryBundle extends Error {
  constructor(message = "the handler asked for another try") {
    super(message);
    this.name = "RetryBundle";
  }
}

/** Throw it in processBundle: these rows (and timers) cannot be processed and become dead letters; the others are sent again without them. */
export class BadRows extends Error {
  constructor(
    message: string,
    /** Indices in the bundle. */
    readonly rows: readonly number[],
    readonly timers: readonly number[] = [],
  ) {
    super(message);
    this.name = "BadRows";
  }
}

/** What a handler sees besides its row or timer. */
export class RowContext {
  /** @internal */
  constructor(
    readonly bundle: Bundle,
    /** Index of the row in the bundle, less than 0 for a timer: the cause of what is sent. */
    readonly cause: number,
    /** Values of the key columns of the row or timer. */
    readonly key: RowKey,
  ) {}

  /** Topology, node, config and columns. */
  get node(): ProcessorNode {
    return this.bundle.node;
  }

  /** The row of this key in a store; undefined when there is none. */
  state(store: string): Readonly<Fields> | undefined {
    return this.bundle.state(store, this.key);
  }

  /** Set the row of this key, or delete it with null. */
  put(store: string, row: Fields | null): void {
    this.bundle.put(store, this.key, row);
  }

  /** A row for an output; null sends a null value. Key columns that it does not name are those of the row that is processed. */
  send(output: string, row: Fields | null, options: SendOptions = {}): void {
    this.bundle.send(output, row, this.cause, options);
  }

  /** Set a timer for this key, `at` milliseconds since 1970. One of the same name and clock before is gone. */
  setTimer(at: Date | number | bigint, options: { name?: string; clock?: Clock } = {}): void {
    this.bundle.setTimer({ key: this.key, at: Number(at), ...options });
  }

  /** Cancel the timer of this key by its name, or the one without a name by its time. */
  cancelTimer(timer: { name?: string; clock?: Clock; at?: Date | number | bigint }): void {
    this.bundle.cancelTimer({ ...timer, key: this.key, at: Number(timer.at ?? 0) });
  }
}

/** What could not be processed; both lists are empty when the whole bundle is to be tried again. */
export interface Failed {
  readonly rows: readonly number[];
  readonly timers: readonly number[];
  readonly reason: string;
}

/** Characters of a stack that are sent. */
const REASON = 6000;

/** Call a handler with a bundle: undefined when it took all. */
export async function process(handler: Handler, bundle: Bundle): Promise<Failed | undefined> {
  if (typeof handler === "object" && "processBundle" in handler) {
    try {
      await handler.processBundle(bundle);
      return undefined;
    } catch (error) {
      const { rows, timers } = error instanceof BadRows ? error : { rows: [], timers: [] };
      return { rows, timers, reason: told(error) };
    }
  }
  const onRow = typeof handler === "function" ? handler : handler.processRow.bind(handler);
  const bad = { rows: [] as number[], timers: [] as number[] };
  let reason = "";
  const attempt = async (cause: number, list: number[], index: number, call: (context: RowContext) => void | Promise<void>) => {
    try {
      await call(new RowContext(bundle, cause, bundle.key(cause)));
    } catch (error) {
      if (error instanceof RetryBundle) {
        throw error;
      }
      list.push(index);
      reason ||= told(error);
    }
  };
  try {
    for (const [index, timer] of bundle.timers.entries()) {
      if (!bundle.cancelled(timer)) {
        await attempt(index - bundle.timers.length, bad.timers, index, (context) => fire(handler, timer, context));
      }
    }
    for (let index = 0; index < bundle.rows.size; index++) {
      const pending = attempted(bundle, index, onRow);
      if (pending !== undefined) {
        await attempt(index, bad.rows, index, () => pending);
      }
    }
  } catch (error) {
    if (error instanceof RetryBundle) {
      return { rows: [], timers: [], reason: error.message };
    }
    throw error;
  }
  return reason === "" ? undefined : { ...bad, reason };
}

/** Call a handler with a row: what is to be waited for, a failure too; undefined when it is done. Most are: no promise for each row. */
function attempted(bundle: Bundle, index: number, onRow: RowHandler): Promise<void> | undefined {
  try {
    const outcome = onRow(new Row(bundle.rows, index), new RowContext(bundle, index, bundle.key(index)));
    return outcome ?? undefined;
  } catch (error) {
    return Promise.reject(error);
  }
}

function fire(handler: RowHandler | TimerHandler, timer: Timer, context: RowContext): void | Promise<void> {
  if (typeof handler === "function") {
    throw new TypeError("the handler has no onTimer");
  }
  return handler.onTimer(timer, context);
}

/** An error for people. */
export function told(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error);
  return text.slice(0, REASON) || "the handler failed";
}
