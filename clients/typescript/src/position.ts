/** Positions, freshness and times in requests. A position token is plain text; store it, compare it, pass it back. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, durationFromMs, type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ConsistencySchema, PositionTokenSchema } from "./gen/penstock/v1/position_pb.js";
import type { StartPositionSchema } from "./gen/penstock/v1/topology_pb.js";
import { fromTimestamp } from "./times.js";

/** A length of time: milliseconds, or its parts. */
export type Span = number | { days?: number; hours?: number; minutes?: number; seconds?: number; milliseconds?: number };

/** A point in time: a Date, or milliseconds since 1970. */
export type Instant = Date | number | bigint;

/** One record that was written straight to Kafka, as its producer returned it. */
export interface TopicOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | bigint;
}

/** What an answer must include: a token, a record, or several of them. Empty tokens are left out. */
export type AtLeast = string | TopicOffset | readonly (string | TopicOffset)[];

/**
 * Where reading begins: `snapshot` (default for tables), `latest` (default for streams that are subscribed to), `earliest`, a token to start
 * after, or a time.
 */
export type Start = string | Date;

/** How fresh a lookup must be; nothing set means committed. */
export interface Freshness {
  /** Positions that the answer includes. */
  atLeast?: AtLeast | undefined;
  /** Milliseconds to wait for them. Default 5,000. */
  maxWaitMs?: number | undefined;
  /** Milliseconds that the answer may be old, instead: then a task that does not run answers too. */
  staleMs?: number | undefined;
}

/** Milliseconds of a span. */
export function spanMs(span: Span): number {
  if (typeof span === "number") {
    return span;
  }
  const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = span;
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
}

/** A span as a message. */
export function duration(span: Span): Duration {
  return durationFromMs(Math.round(spanMs(span)));
}

/** An instant as a message. */
export function timestamp(at: Instant): Timestamp {
  return timestampFromMs(Number(fromTimestamp(at)));
}

/** A token as a message. */
export function token(value: string): MessageInitShape<typeof PositionTokenSchema> {
  return { value };
}

/** The freshness that a lookup asks for; undefined means committed. */
export function consistency(fresh: Freshness): MessageInitShape<typeof ConsistencySchema> | undefined {
  const { atLeast, maxWaitMs, staleMs } = fresh;
  if (staleMs !== undefined) {
    if (atLeast !== undefined) {
      throw new TypeError("give atLeast or staleMs, not both");
    }
    return { level: { case: "stale", value: { maxStaleness: duration(staleMs) } } };
  }
  if (atLeast === undefined) {
    return undefined;
  }
  const parts: readonly (string | TopicOffset)[] = Array.isArray(atLeast) ? atLeast : [atLeast as string | TopicOffset];
  const positions = parts.filter((part) => typeof part === "string" && part !== "").map((part) => token(part as string));
  const offsets = parts
    .filter((part) => typeof part !== "string")
    .map(({ topic, partition, offset }) => ({ topic, partition, offset: BigInt(offset) }));
  const value = { positions, offsets, ...(maxWaitMs === undefined ? {} : { maxWait: duration(maxWaitMs) }) };
  return { level: { case: "atLeast", value } };
}

/** Where to begin, as a message; undefined for the default. */
export function startPosition(start: Start | undefined): MessageInitShape<typeof StartPositionSchema> | undefined {
  if (start === undefined || start === "") {
    return undefined;
  }
  if (start instanceof Date) {
    return { position: { case: "atTime", value: timestamp(start) } };
  }
  switch (start) {
    case "earliest":
    case "latest":
    case "snapshot":
      return { position: { case: start, value: true } };
    default:
      return { position: { case: "after", value: token(start) } };
  }
}
