/** A scan of a table. */

import { type Connection, only } from "./connection.js";
import { LookupService } from "./gen/penstock/v1/lookup_service_pb.js";
import type { ScanState } from "./lookups.js";
import type { CallOptions } from "./options.js";
import { Pushed } from "./pushed.js";
import type { Batch, Fields, Row } from "./row.js";

/** An async iterable of rows, once; `batches()` gives them as they come. It goes on over broken connections. */
export class Scan<T extends object = Fields> extends Pushed implements AsyncIterable<Row<T>> {
  readonly #state: ScanState<T>;

  /** @internal */
  constructor(connection: Connection, state: ScanState<T>, call: CallOptions) {
    super(connection, call);
    this.#state = state;
  }

  /** Goes on after what was read, in another scan of the same relation and conditions. */
  get cursor(): string {
    return this.#state.cursor;
  }

  /** After the end: subscribe after it for the changes since. Empty before. */
  get position(): string {
    return this.#state.position;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row<T>, void, undefined> {
    for await (const batch of this.batches()) {
      yield* batch;
    }
  }

  /** Rows as they come. */
  async *batches(): AsyncGenerator<Batch<T>, void, undefined> {
    for (let attempt = 1; !this.stopped(); attempt++) {
      const { address } = this.connection;
      try {
        const input = only(this.#state.request());
        for await (const response of this.connection.stream(LookupService.method.scan, input, { ...this.call, signal: this.closed }, address)) {
          attempt = 1;
          const batch = this.#state.take(response);
          if (batch !== undefined) {
            yield batch;
          }
          if (this.#state.done) {
            return;
          }
        }
        return;
      } catch (thrown) {
        if (this.stopped()) {
          return;
        }
        const error = this.connection.failed(thrown, address);
        const wait = this.connection.retry.again(attempt, error);
        if (wait === undefined) {
          throw error;
        }
        await this.connection.pause(wait, this.closed);
      }
    }
  }
}
