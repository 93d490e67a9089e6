/**
 * The logic of a subscription that resumes by itself, without I/O: what to ask next, what an answer means, how long to wait.
 *
 * Delivery is at least once: the resume point is the position of the last batch that had one, so that rows of batches behind it may come
 * again after a broken connection. Position and effect stored together by the application make it exactly once.
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { PenstockError } from "./error.js";
import { CredentialsInvalidError, RelationReplacedError, UnreachableError } from "./errors.js";
import type { Event, Reconnecting } from "./events.js";
import type { RowSchema as RowSchemaMessage } from "./gen/penstock/v1/row_pb.js";
import {
  type End,
  EndReason,
  type Event as EventMessage,
  type Rows,
  type SubscribeRequestSchema,
} from "./gen/penstock/v1/subscription_service_pb.js";
import { duration, startPosition, token, type Start } from "./position.js";
import { type Retry, transient } from "./retry.js";
import { Batch, RowSchema } from "./row.js";
import { type Parameters, parameters } from "./values.js";

/** What a subscription asks for. */
export interface SubscribeOptions {
  /** A BOOLEAN expression that keeps rows. A table's row that stops matching arrives as deleted. */
  where?: string;
  /** Values of `:name` in it. */
  parameters?: Parameters;
  /** These in place of key, window and value columns and ROWTIME. */
  columns?: readonly string[];
  start?: Start;
  /** `end` (the present end) or a token. */
  until?: string;
  /** Rows at most; 0 is none. */
  limit?: number;
  /** These alone. */
  partitions?: readonly number[];
  /** Rows of a batch at most, 1 to 65,536. Default 500. */
  maxBatchRows?: number;
  /** How long rows wait for company. Default 5. */
  maxLingerMs?: number;
  /** The longest silence. Default 10,000. */
  progressIntervalMs?: number;
}

/** The request that goes on after `position` (empty: from the start) when `taken` rows have come. */
export function subscribeRequest(
  relation: string,
  options: SubscribeOptions,
  position: string,
  taken: number,
): MessageInitShape<typeof SubscribeRequestSchema> {
  const { where = "", columns = [], limit = 0, partitions = [], maxBatchRows = 0, until, maxLingerMs, progressIntervalMs } = options;
  const start = startPosition(position === "" ? options.start : position);
  return {
    relation,
    where,
    parameters: parameters(options.parameters),
    columns: [...columns],
    partitions: [...partitions],
    limit: left(limit, taken),
    maxBatchRows,
    ...(start === undefined ? {} : { start }),
    ...(until === undefined ? {} : { until: untilOf(until) }),
    ...(maxLingerMs === undefined ? {} : { maxLinger: duration(maxLingerMs) }),
    ...(progressIntervalMs === undefined ? {} : { progressInterval: duration(progressIntervalMs) }),
  };
}

function untilOf(until: string): NonNullable<MessageInitShape<typeof SubscribeRequestSchema>["until"]> {
  return { until: until === "end" ? { case: "currentEnd", value: true } : { case: "position", value: token(until) } };
}

/** What is left of a limit, 0 without one. */
export function left(limit: number, taken: number): bigint {
  return BigInt(limit > 0 ? Math.max(limit - taken, 1) : 0);
}

/** What is pushed: a subscription or a query. */
export interface Wanted<R> {
  /** Whether it goes on over broken connections. */
  readonly resumes: boolean;
  /** The request that goes on after `position` when `taken` rows have come. */
  request(position: string, taken: number): R;
}

/** Where a subscription is. Methods take what happened and give the events for the application. */
export class SubscriptionState<R, T extends object> {
  /** Whether nothing more comes. */
  done = false;
  /** The node that a planned end named for the next call; empty for any. */
  address = "";
  readonly #wanted: Wanted<R>;
  readonly #retry: Retry;
  readonly #known = new Map<bigint, RowSchema>();
  #position = "";
  #taken = 0;
  #rowsSincePosition = 0;
  #attempt = 0;
  // Any answer has come: from now on only the application ends it.
  #greeted = false;
  #schema: RowSchema | undefined;

  constructor(wanted: Wanted<R>, retry: Retry) {
    this.#wanted = wanted;
    this.#retry = retry;
  }

  /** What to ask now. */
  request(): R {
    // Rows behind the resume point come again, so they do not count against the limit.
    this.#taken -= this.#rowsSincePosition;
    this.#rowsSincePosition = 0;
    return this.#wanted.request(this.#position, this.#taken);
  }

  /** The meaning of one message; undefined when it says nothing to the application. Throws what ends the subscription. */
  take(message: EventMessage | undefined): Event<T> | undefined {
    this.#attempt = 0;
    this.#greeted = true;
    const event = message?.event;
    switch (event?.case) {
      case "schema":
        return this.#schemaOf(event.value);
      case "rows":
        return this.#rows(event.value);
      case "progress":
        return { type: "progress", position: this.#at(event.value.position?.value) };
      case "caughtUp":
        return { type: "caughtUp", position: this.#at(event.value.position?.value) };
      case "fellBehind":
        return { type: "fellBehind", position: this.#at(event.value.position?.value), rowsBehind: Number(event.value.rowsBehind) };
      case "end":
        return this.#end(event.value);
      default:
        return undefined; // an event of a newer service
    }
  }

  #at(position = ""): string {
    if (position !== "") {
      this.#position = position;
      this.#rowsSincePosition = 0;
    }
    return position;
  }

  #schemaOf(message: RowSchemaMessage): Event<T> | undefined {
    const schema = this.#known.get(message.id) ?? RowSchema.of(message);
    this.#known.set(message.id, schema);
    if (this.#schema === schema) {
      return undefined; // the same again, after a reconnect
    }
    this.#schema = schema;
    return { type: "schema", schema };
  }

  #rows(rows: Rows): Batch<T> {
    if (this.#schema === undefined) {
      throw new PenstockError("the service sent rows before their schema");
    }
    const batch = Batch.of<T>(this.#schema, rows.batch, rows.position?.value, rows.snapshot);
    this.#taken += batch.size;
    this.#rowsSincePosition += batch.size;
    this.#at(batch.position);
    return batch;
  }

  #end(end: End): Event<T> {
    this.#at(end.position?.value);
    switch (end.reason) {
      case EndReason.RELATION_REPLACED:
        throw new RelationReplacedError(end.message || "history was rebuilt: start anew with a snapshot");
      case EndReason.CREDENTIALS_EXPIRED:
        return this.failed(new CredentialsInvalidError(end.message || "the credentials have expired"));
      case EndReason.NODE_DRAINING:
        this.#attempt = 1;
        this.address = end.address;
        return this.#reconnecting(undefined);
      default:
        this.done = true;
        return { type: "ended", reason: EndReason[end.reason] ?? "UNSPECIFIED", position: end.position?.value ?? "", message: end.message };
    }
  }

  #reconnecting(error: PenstockError | undefined): Reconnecting {
    return { type: "reconnecting", position: this.#position, delayMs: this.#retry.wait(this.#attempt, error), error };
  }

  /** What follows a broken call: the wait, or the error thrown when a repeat does not help. Once greeted it is repeated for ever. */
  failed(error: PenstockError): Reconnecting {
    const accepted = this.#greeted && this.#attempt === 0;
    this.#attempt += 1;
    this.address = "";
    const final = this.#greeted ? !this.#wanted.resumes : this.#attempt >= this.#retry.attempts;
    if (final || !transient(error, accepted)) {
      throw error;
    }
    return this.#reconnecting(error);
  }

  /** What follows a call that ended with OK and without an End. */
  closedEarly(): Reconnecting {
    return this.failed(new UnreachableError("the connection ended", { code: "UNAVAILABLE" }));
  }
}
