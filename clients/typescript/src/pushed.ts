/** A server stream that close() ends at once, wherever its reader waits. */

import type { Connection } from "./connection.js";
import { ClosedError } from "./errors.js";
import type { CallOptions } from "./options.js";

/** What subscriptions and scans have in common. */
export abstract class Pushed implements AsyncDisposable {
  protected readonly connection: Connection;
  protected readonly call: CallOptions;
  readonly #closed = new AbortController();

  /** @internal */
  constructor(connection: Connection, call: CallOptions) {
    this.connection = connection;
    this.call = call;
    connection.own(this);
    call.signal?.addEventListener("abort", () => this.#closed.abort(call.signal?.reason), { signal: this.#closed.signal });
    if (call.signal?.aborted) {
      this.#closed.abort(call.signal.reason);
    }
  }

  /** End it at once; its reader's loop ends. */
  close(): Promise<void> {
    this.#closed.abort(new ClosedError("it was closed"));
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Aborted by close() and by the application's signal. */
  protected get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Whether to stop quietly, as after close(); throws the reason of the application's own signal. */
  protected stopped(): boolean {
    this.call.signal?.throwIfAborted();
    return this.closed.aborted || this.connection.closing.aborted;
  }
}
