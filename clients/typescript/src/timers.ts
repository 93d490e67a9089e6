/** Timers of remote processors, and how they stand in messages. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Timers, TimerClock, type TimersSchema } from "./gen/penstock/v1/processor_service_pb.js";
import { RowKind } from "./gen/penstock/v1/row_pb.js";
import { Batch, type RowSchema } from "./row.js";
import { encodeBatch } from "./rows.js";

/** What a timer's time is compared with: the newest ROWTIME of the task's rows that were processed, or the machine's clock. */
export type Clock = "STREAM_TIME" | "WALL_CLOCK";

/** A timer of a key. */
export interface Timer {
  /** Values of the key columns. */
  readonly key: readonly unknown[];
  /** Milliseconds since 1970. */
  readonly at: number;
  /** A timer with a name is known by it, one without by its time. Default empty. */
  readonly name?: string;
  /** Default STREAM_TIME. */
  readonly clock?: Clock;
}

/** A timer that a handler set, or cancelled. */
export interface ChangedTimer {
  readonly timer: Timer;
  readonly set: boolean;
}

/** The timers of a message. `keys`: the schema of their keys; undefined for a node without timers. */
export function timersOf(keys: RowSchema | undefined, message: Timers | undefined): Timer[] {
  if (keys === undefined || message === undefined) {
    return [];
  }
  const { columns } = Batch.of(keys, message.keys);
  return message.times.map((at, place) => ({
    key: columns.map((values) => values[place]),
    at: Number(at),
    name: message.names[place] ?? "",
    clock: message.clocks[place] === TimerClock.WALL_CLOCK ? "WALL_CLOCK" : "STREAM_TIME",
  }));
}

/** Changed timers as a message. TypeError or RangeError for a key that is not of the columns' types. */
export function timersMessage(keys: RowSchema, changed: readonly ChangedTimer[]): MessageInitShape<typeof TimersSchema> {
  const types = keys.columns.map(({ type }) => type);
  const columns = types.map((_, place) => changed.map(({ timer }) => timer.key[place]));
  const kinds = changed.map(({ set }) => (set ? RowKind.UPSERT : RowKind.DELETE));
  return {
    keys: { ...encodeBatch(types, columns, changed.length), schemaId: keys.id, kinds },
    names: changed.map(({ timer }) => timer.name ?? ""),
    times: changed.map(({ timer }) => BigInt(timer.at)),
    clocks: changed.map(({ timer }) => TimerClock[timer.clock ?? "STREAM_TIME"]),
  };
}
