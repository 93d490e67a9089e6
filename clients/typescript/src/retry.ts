/** When and how long to wait before a call is repeated: a pure decision. */

import type { PenstockError } from "./error.js";

/**
 * Settings of repetition. Waits grow from `firstMs` to `longestMs`, each drawn at random from the upper half of its step, so that many
 * clients do not come back together. The defaults are some eight seconds together: a node that restarts is back by then.
 */
export interface RetryOptions {
  /** Attempts at most, the first call among them. Default 10; 1 repeats nothing. */
  attempts?: number;
  /** Default 50. */
  firstMs?: number;
  /** Default 2000. */
  longestMs?: number;
}

/** Decides about repeats. */
export class Retry {
  readonly attempts: number;
  readonly #firstMs: number;
  readonly #longestMs: number;

  constructor(options: RetryOptions = {}) {
    this.attempts = options.attempts ?? 10;
    this.#firstMs = options.firstMs ?? 50;
    this.#longestMs = options.longestMs ?? 2000;
  }

  /** Milliseconds to wait after attempt number `attempt` (from 1), at least what the service asked for. */
  wait(attempt: number, error?: PenstockError): number {
    const step = Math.min(this.#longestMs, this.#firstMs * 2 ** Math.min(attempt - 1, 30));
    return Math.max(step * (0.5 + Math.random() / 2), error?.retryAfterMs ?? 0);
  }

  /** Milliseconds until the next attempt, undefined to give up. */
  again(attempt: number, error: PenstockError): number | undefined {
    return transient(error) && attempt < this.attempts ? this.wait(attempt, error) : undefined;
  }
}

/**
 * Whether a repeat may succeed. `accepted`: the service had accepted the call, so credentials that it does not take any more have expired, and the
 * next call takes new ones where the application gives any. gRPC servers answer bursts of new streams with CANCELLED, which this client never asked for; an INTERNAL
 * without a reason is the gRPC library's own, for a stream that broke while it was opened.
 */
export function transient(error: PenstockError, accepted = false): boolean {
  if (accepted && error.reason === "CREDENTIALS_INVALID") {
    return true;
  }
  return error.code === "INTERNAL" ? error.reason === "" : error.code === "UNAVAILABLE" || error.code === "CANCELLED";
}
