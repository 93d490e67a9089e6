/** A subscription or a query. */

import type { DescMessage, DescMethodStreaming, MessageInitShape } from "@bufbuild/protobuf";
import { type Connection, only } from "./connection.js";
import type { Event, Reconnecting } from "./events.js";
import type { Event as EventMessage } from "./gen/penstock/v1/subscription_service_pb.js";
import type { CallOptions } from "./options.js";
import { Pushed } from "./pushed.js";
import type { Batch, Fields, Row } from "./row.js";
import type { SubscriptionState } from "./subscribing.js";

/** The call behind a subscription: a method and where its answers have their events. */
export interface PushCall<I extends DescMessage, O extends DescMessage> {
  readonly method: DescMethodStreaming<I, O>;
  readonly eventOf: (response: unknown) => EventMessage | undefined;
}

/**
 * An async iterable of rows that goes on over broken connections. `batches()` and `events()` are the same stream in other units; take one of
 * them. It ends when `until` or `limit` is reached, the relation is deleted, or close() is called. While the application does not read,
 * little more than one batch is held here.
 */
export class Subscription<T extends object = Fields> extends Pushed implements AsyncIterable<Row<T>> {
  /** Token that resumes after the last batch that was handed over whole; store it together with the effect of its rows. */
  position = "";
  readonly #events: () => AsyncGenerator<Event<T>, void, undefined>;

  /** @internal */
  constructor(connection: Connection, call: CallOptions, push: PushCall<DescMessage, DescMessage>, state: SubscriptionState<unknown, T>) {
    super(connection, call);
    this.#events = () => this.#run(push, state);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row<T>, void, undefined> {
    for await (const event of this.#events()) {
      if (event.type !== "batch") {
        if (event.type === "progress" || event.type === "caughtUp") {
          this.position = event.position || this.position;
        }
        continue;
      }
      let left = event.size;
      for (const row of event) {
        left -= 1;
        if (left === 0) {
          // Before the last row is handed over: who stores the position with that row's effect resumes behind it.
          this.position = event.position || this.position;
        }
        yield row;
      }
    }
  }

  /** Batches as they come; `batch.position` resumes after it. */
  async *batches(): AsyncGenerator<Batch<T>, void, undefined> {
    for await (const event of this.events()) {
      if (event.type === "batch") {
        yield event;
      }
    }
  }

  /** Everything that happens, reconnects included. */
  async *events(): AsyncGenerator<Event<T>, void, undefined> {
    for await (const event of this.#events()) {
      if (event.type !== "schema") {
        this.position = event.position || this.position;
      }
      yield event;
    }
  }

  async *#run(push: PushCall<DescMessage, DescMessage>, state: SubscriptionState<unknown, T>): AsyncGenerator<Event<T>, void, undefined> {
    while (!state.done && !this.stopped()) {
      const address = state.address || this.connection.address;
      let next: Reconnecting | undefined;
      try {
        const input = only(state.request() as MessageInitShape<DescMessage>);
        for await (const response of this.connection.stream(push.method, input, { ...this.call, signal: this.closed }, address)) {
          const event = state.take(push.eventOf(response));
          if (event?.type === "reconnecting") {
            next = event;
            break;
          }
          if (event !== undefined) {
            yield event;
          }
          if (this.stopped()) {
            return;
          }
        }
      } catch (thrown) {
        if (this.stopped()) {
          return;
        }
        next = state.failed(this.connection.failed(thrown, address));
      }
      if (state.done) {
        return;
      }
      next ??= state.closedEarly();
      yield next;
      await this.connection.pause(next.delayMs, this.closed);
    }
  }
}
