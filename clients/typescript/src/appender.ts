/** A stream of appends. */

import { AppendState, type AppendMessage } from "./appending.js";
import { asJson, type Content, listed, type Rows, typed } from "./appends.js";
import type { Connection } from "./connection.js";
import { ClosedError, UnreachableError } from "./errors.js";
import { AppendService } from "./gen/penstock/v1/append_service_pb.js";
import type { Relation } from "./model.js";
import type { CallOptions } from "./options.js";
import { Queue } from "./queue.js";

/**
 * Writes batches in order, many on their way at once, and connects again when the connection breaks; each batch is written once.
 *
 * append() waits only while as many batches as the service allows wait for their acknowledgement. A refused batch ends the appender: the next
 * call rejects with why.
 */
export class Appender implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #call: CallOptions;
  readonly #schema: Relation | undefined;
  readonly #state: AppendState;
  readonly #closed = new AbortController();
  #messages = new Queue<AppendMessage>();
  #error: unknown;
  #wake: (() => void)[] = [];
  // Batches are sent in the order of the calls: each waits for the one before it.
  #turn: Promise<void> = Promise.resolve();

  private constructor(connection: Connection, schema: Relation | undefined, state: AppendState, call: CallOptions) {
    this.#connection = connection;
    this.#schema = schema;
    this.#state = state;
    this.#call = call;
  }

  /** Connect; `lastSequence` is known after it. @internal */
  static async open(connection: Connection, schema: Relation | undefined, state: AppendState, call: CallOptions): Promise<Appender> {
    const appender = new Appender(connection, schema, state, call);
    connection.own(appender);
    call.signal?.addEventListener("abort", () => appender.#stop(call.signal?.reason), { signal: appender.#closed.signal });
    void appender.#work();
    await appender.#until(() => state.started);
    return appender;
  }

  /** Under which sequences count. */
  get producerId(): string {
    return this.#state.producerId;
  }

  /** Sequence of the newest batch that was handed in; before the first, what the service has of this producer. */
  get lastSequence(): bigint {
    return this.#state.sequence;
  }

  /** Token that includes every acknowledged batch; empty before the first. */
  get position(): string {
    return this.#state.last?.position ?? "";
  }

  /** Rows acknowledged so far. */
  get appended(): number {
    return this.#state.appended;
  }

  /** Hand in one batch. Waits while too many are on their way. */
  append(rows: Rows): Promise<void> {
    return this.#send(this.#schema === undefined ? asJson(listed(rows)) : typed(this.#schema, listed(rows)));
  }

  /** Hand in one batch of JSON objects as text, cast by the service as INSERT VALUES does. */
  appendJson(rows: readonly string[]): Promise<void> {
    return this.#send({ case: "json", value: { rows: [...rows] } });
  }

  /** Wait until every batch is durable; the position. */
  async flush(): Promise<string> {
    await this.#turn;
    await this.#until(() => this.#state.idle);
    return this.position;
  }

  /** End it at once; batches without an acknowledgement may or may not have been written. */
  close(): Promise<void> {
    this.#stop(new ClosedError("the appender is closed"));
    return Promise.resolve();
  }

  /** Flush, then close. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#error === undefined) {
        await this.flush();
      }
    } finally {
      await this.close();
    }
  }

  #send(content: Content): Promise<void> {
    const sent = this.#turn.then(async () => {
      // The connection may break between the wait and here: what is handed in then would be sent twice.
      do {
        await this.#until(() => this.#state.room);
      } while (!this.#state.room);
      this.#messages.push(this.#state.add(content));
    });
    // A failure is that of this call; those behind it find the same error by themselves.
    this.#turn = sent.catch(() => undefined);
    return sent;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (this.#error === undefined && !condition()) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    if (this.#error !== undefined) {
      throw this.#error;
    }
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) {
      wake();
    }
  }

  #stop(error: unknown): void {
    this.#error ??= error;
    this.#closed.abort(error);
    this.#messages.end();
    this.#notify();
  }

  /** Connect, acknowledge, connect again. */
  async #work(): Promise<void> {
    while (this.#error === undefined) {
      const messages = new Queue<AppendMessage>();
      messages.push(this.#state.open());
      this.#messages = messages;
      try {
        const wait = await this.#connected(messages);
        await this.#connection.pause(wait, this.#closed.signal);
      } catch (error) {
        this.#stop(error);
      } finally {
        messages.end();
      }
    }
  }

  /** One connection; milliseconds until the next. */
  async #connected(messages: Queue<AppendMessage>): Promise<number> {
    const { address } = this.#connection;
    const call = { ...this.#call, signal: this.#closed.signal };
    let broken: unknown = new UnreachableError("the connection ended", { code: "UNAVAILABLE" });
    const answers = this.#connection.stream(AppendService.method.appendStream, messages, call, address);
    for (;;) {
      let answer: Awaited<ReturnType<typeof answers.next>>;
      try {
        answer = await answers.next();
      } catch (thrown) {
        broken = thrown;
        break;
      }
      if (answer.done === true) {
        break;
      }
      for (const message of this.#state.take(answer.value)) {
        messages.push(message);
      }
      this.#notify();
    }
    this.#closed.signal.throwIfAborted();
    return this.#state.failed(this.#connection.failed(broken, address));
  }
}
