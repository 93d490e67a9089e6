/** What a subscription tells beside rows (a {@link Batch}): where it is, and what happened to the connection. */

import type { PenstockError } from "./error.js";
import type { Batch, Fields, RowSchema } from "./row.js";

/** Columns of the rows that follow; comes first. */
export interface SchemaChanged {
  readonly type: "schema";
  readonly schema: RowSchema;
}

/** Nothing was missed up to here, and nothing came. */
export interface Progress {
  readonly type: "progress";
  readonly position: string;
}

/** Snapshot or history is complete; what follows is live. */
export interface CaughtUp {
  readonly type: "caughtUp";
  readonly position: string;
}

/** This reader was too slow for live rows; what follows is history again, nothing left out. About how many rows wait. */
export interface FellBehind {
  readonly type: "fellBehind";
  readonly position: string;
  readonly rowsBehind: number;
}

/**
 * The connection is gone; the next attempt comes after `delayMs` and goes on after `position`. An empty position means from the start: a
 * snapshot then comes again, and rows that were deleted meanwhile do not arrive as deletes. `error` is undefined for a planned end.
 */
export interface Reconnecting {
  readonly type: "reconnecting";
  readonly position: string;
  readonly delayMs: number;
  readonly error: PenstockError | undefined;
}

/** The last event. */
export interface Ended {
  readonly type: "ended";
  readonly reason: "COMPLETED" | "RELATION_DELETED" | string;
  readonly position: string;
  readonly message: string;
}

/** Any of them. */
export type Event<T extends object = Fields> = SchemaChanged | Batch<T> | Progress | CaughtUp | FellBehind | Reconnecting | Ended;
