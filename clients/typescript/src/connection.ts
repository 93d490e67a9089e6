/** How calls are made: on which address, until when, and how often again. */

import type { DescMessage, DescMethodStreaming, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { linked, pause } from "./abort.js";
import { PenstockError } from "./error.js";
import { ClosedError, DeadlineExceededError, fromRpc, UnreachableError } from "./errors.js";
import { type CallOptions, type ClientOptions, DEFAULT_ADDRESS } from "./options.js";
import { Owners } from "./owners.js";
import { Retry } from "./retry.js";
import { type Endpoint, endpoint } from "./transport.js";

/** One unary call as a value: its method, its request and how its response is read. */
export interface Operation<I extends DescMessage, O extends DescMessage, T> {
  readonly method: DescMethodUnary<I, O>;
  readonly request: MessageInitShape<I>;
  readonly read: (response: MessageShape<O>) => T;
  /** Whether a repeat after an unknown outcome changes nothing: only such calls are repeated. Absent means that it does not. */
  readonly idempotent?: boolean;
  /** Milliseconds that the service itself may wait, added to the deadline. */
  readonly extraMs?: number;
  /** What the call is about, where one node has it; `owner` is that node's address as an answer names it. */
  readonly place?: () => string;
  readonly owner?: (response: MessageShape<O>) => string;
}

/** What is open and ends with the client. */
export interface Closable {
  close(): Promise<void>;
}

/** How long a node that was never reached may take for what a nearer one would have passed on. */
const FIRST_CALL_MS = 1_000;
const NO_RETRY = new Retry({ attempts: 1 });

/** The connections of a client. Calls go to one address as long as it answers, then to the next. */
export class Connection {
  readonly retry: Retry;
  readonly #options: ClientOptions;
  readonly #addresses: readonly string[];
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #owners = new Owners();
  readonly #closing = new AbortController();
  readonly #open = new Set<WeakRef<Closable>>();
  #current = 0;

  constructor(addresses: string | readonly string[], options: ClientOptions) {
    this.#addresses = typeof addresses === "string" ? [addresses] : addresses.length > 0 ? addresses : [DEFAULT_ADDRESS];
    this.#options = options;
    this.retry = new Retry(options.retry);
  }

  /** The address that calls go to now. */
  get address(): string {
    return this.#addresses[this.#current % this.#addresses.length] as string;
  }

  /** Aborted when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** A transport whose calls go to the present address, for the generated services. */
  get transport(): Transport {
    return {
      unary: (...call) => this.#endpoint().transport.unary(...call),
      stream: (...call) => this.#endpoint().transport.stream(...call),
    };
  }

  /** Something that close() ends too; forgotten when the application forgets it. */
  own(part: Closable): void {
    this.#open.add(new WeakRef(part));
    for (const one of this.#open) {
      if (one.deref() === undefined) {
        this.#open.delete(one);
      }
    }
  }

  /** End everything. */
  async close(): Promise<void> {
    this.#closing.abort(new ClosedError("the client is closed"));
    const parts = [...this.#open].map((part) => part.deref()?.close());
    this.#open.clear();
    for (const one of this.#endpoints.values()) {
      one.close();
    }
    this.#endpoints.clear();
    await Promise.all(parts);
  }

  /** The result of a unary call, repeated while that helps and the deadline allows. */
  async run<I extends DescMessage, O extends DescMessage, T>(operation: Operation<I, O, T>, call: CallOptions = {}): Promise<T> {
    const deadline = performance.now() + this.#timeoutMs(call) + (operation.extraMs ?? 0);
    const retry = operation.idempotent === true ? this.retry : NO_RETRY;
    for (let attempt = 1; ; attempt++) {
      this.#check(call.signal);
      const used = this.#toward(operation.place);
      const straight = used.address !== this.address;
      const left = Math.min(deadline - performance.now(), straight && !this.#owners.reached(used.address) ? FIRST_CALL_MS : Infinity);
      try {
        // Whole milliseconds: the header of the deadline has no others.
        const wait = Math.max(1, Math.ceil(left));
        const { message } = await used.transport.unary(operation.method, call.signal, wait, call.headers, operation.request);
        if (operation.place !== undefined) {
          this.#owners.answered(operation.place, used.address, operation.owner?.(message) ?? "");
        }
        return operation.read(message);
      } catch (thrown) {
        this.#check(call.signal);
        const error = this.failed(thrown, used.address);
        // A node that cannot be reached may say nothing at all.
        if (straight && (away(error) || error.reason === "DEADLINE_EXCEEDED")) {
          this.#owners.shun(used.address);
          continue;
        }
        const wait = retry.again(attempt, error);
        if (wait === undefined || performance.now() + wait >= deadline) {
          throw error;
        }
        await this.pause(wait, call.signal);
      }
    }
  }

  /**
   * The answers of a streaming call. `signal` ends it at once; leaving the loop over it ends it too. Throws what the transport throws: see
   * failed(). `address` is another one than the present.
   */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    input: AsyncIterable<MessageInitShape<I>>,
    call: CallOptions,
    address: string = this.address,
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    const { controller, release } = linked(call.signal, this.closing);
    try {
      const response = await this.#endpoint(address).transport.stream(method, controller.signal, undefined, call.headers, input);
      yield* response.message;
    } finally {
      release();
      // The transport does not see that the loop was left.
      controller.abort();
    }
  }

  /** As stream, for a call that is made once: what it fails with is a typed error. `bounded`: by the deadline of a unary call. */
  async *answers<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    input: AsyncIterable<MessageInitShape<I>>,
    call: CallOptions,
    bounded: boolean,
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    const { address } = this;
    // The transport's own deadline would keep the process for that long, also after the answer.
    const limit = bounded ? AbortSignal.timeout(this.#timeoutMs(call)) : undefined;
    const { controller, release } = linked(call.signal, limit);
    try {
      yield* this.stream(method, input, { ...call, signal: controller.signal }, address);
    } catch (thrown) {
      this.#check(call.signal);
      if (limit?.aborted) {
        throw new DeadlineExceededError("the call was not answered in time", { code: "DEADLINE_EXCEEDED", cause: thrown });
      }
      throw this.failed(thrown, address);
    } finally {
      release();
    }
  }

  /** The error that a call on an address failed with. A failure that is none is thrown. After one without an answer calls go to the next address. */
  failed(thrown: unknown, address: string): PenstockError {
    const error = fromRpc(thrown);
    if (!(error instanceof PenstockError)) {
      throw error;
    }
    if (error instanceof UnreachableError && address === this.address) {
      this.#current += 1;
    }
    return error;
  }

  /** Sleep, but not past the signal or close(). */
  async pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { controller, release } = linked(signal, this.closing);
    await pause(ms, controller.signal);
    release();
  }

  /** The endpoint of the node that has the place, where that is known, else the present one. */
  #toward(place: (() => string) | undefined): Endpoint {
    const owner = this.#owners.of(place);
    if (owner === undefined || owner === this.address) {
      return this.#endpoint();
    }
    try {
      return this.#endpoint(owner);
    } catch (error) {
      if (!(error instanceof TypeError)) {
        throw error;
      }
      this.#owners.shun(owner); // not by this client's means
      return this.#endpoint();
    }
  }

  #timeoutMs(call: CallOptions): number {
    return call.timeoutMs ?? this.#options.timeoutMs ?? 30_000;
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.closing.throwIfAborted();
  }

  #endpoint(address: string = this.address): Endpoint {
    this.closing.throwIfAborted();
    let found = this.#endpoints.get(address);
    if (found === undefined) {
      found = endpoint(address, this.#options);
      this.#endpoints.set(address, found);
    }
    return found;
  }
}

/** Whether another node may answer what this one did not. */
function away({ code, reason }: PenstockError): boolean {
  return code === "UNAVAILABLE" && (reason === "" || reason === "DRAINING" || reason === "LOG_UNAVAILABLE");
}

/** One message, as the input of a server stream. */
export async function* only<T>(message: T): AsyncGenerator<T, void, undefined> {
  yield message;
}
