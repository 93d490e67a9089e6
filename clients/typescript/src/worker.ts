/** A program that serves remote processors and functions: one connection to each node of the service. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { pause } from "./abort.js";
import { Bundle, ProcessorNode } from "./bundle.js";
import { Connection } from "./connection.js";
import type { PenstockError } from "./error.js";
import { computed, type FunctionHandler, served } from "./functions.js";
import {
  type Bundle as BundleMessage,
  type BundleResultSchema,
  DropReason,
  ProcessorService,
  type ProcessRequestSchema,
  type ProcessResponse,
} from "./gen/penstock/v1/processor_service_pb.js";
import { type ClientOptions, DEFAULT_ADDRESS } from "./options.js";
import { type Failed, type Handler, process, told } from "./processing.js";
import { Queue } from "./queue.js";
import { transient } from "./retry.js";

type Request = MessageInitShape<typeof ProcessRequestSchema>;
type Result = MessageInitShape<typeof BundleResultSchema>;

/** How a worker connects and what it tells. */
export interface WorkerOptions extends Omit<ClientOptions, "timeoutMs"> {
  /** Functions by their name, `NAME/2` for another version than 1. */
  functions?: Readonly<Record<string, FunctionHandler>>;
  /** Bundles that a connection may have at once. Default 4. */
  maxInFlight?: number;
  /** The program's version, for people. */
  build?: string;
  /** Told of bundles and rows that a handler failed on; the service keeps them with their reason. */
  onFailed?: (node: ProcessorNode, reason: string) => void;
  /** Told of answers that were not taken: GONE when another program has the bundle, INVALID when the answer does not fit the node. */
  onDropped?: (reason: "GONE" | "INVALID", message: string) => void;
}

/**
 * Serves handlers, by the name of their processor: topologies send the rows of their processRemotely nodes to it, and commit what it makes of them
 * exactly once. Handlers that compute run one at a time, those that wait (`async`) side by side, a handler once for each bundle in flight.
 */
export class Worker implements AsyncDisposable {
  readonly #addresses: readonly string[];
  readonly #handlers: Readonly<Record<string, Handler>>;
  readonly #functions: ReadonlyMap<string, FunctionHandler>;
  readonly #options: WorkerOptions;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  /** `address`: `host:port` of one node or of each: a worker dials every node that is to give it work. TypeError without handlers. */
  constructor(
    address: string | readonly string[] = DEFAULT_ADDRESS,
    handlers: Readonly<Record<string, Handler>> = {},
    options: WorkerOptions = {},
  ) {
    this.#addresses = typeof address === "string" ? [address] : address;
    this.#handlers = handlers;
    this.#options = options;
    const named = Object.entries(options.functions ?? {}).map(([name, handler]) => [called(served(name)), handler] as const);
    this.#functions = new Map(named);
    if (Object.keys(handlers).length === 0 && named.length === 0) {
      throw new TypeError("a worker needs a handler: new Worker(address, { processor: handler }), or the option functions");
    }
  }

  /** Serve until close(); a connection that is lost is made again. Rejects when the service refuses. */
  run(): Promise<void> {
    this.#running ??= this.#serveAll();
    return this.#running;
  }

  /** End every connection; bundles that are not answered go to other programs. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running?.catch(() => undefined); // run() rejects with it
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serveAll(): Promise<void> {
    try {
      await Promise.all(this.#addresses.map((address) => this.#serve(address)));
    } finally {
      this.#closing.abort(); // one that is refused ends the others
    }
  }

  async #serve(address: string): Promise<void> {
    const connection = new Connection(address, this.#options);
    const { signal } = this.#closing;
    try {
      for (let attempt = 1; !signal.aborted; attempt++) {
        let error: PenstockError | undefined;
        try {
          if (await this.#connected(connection, address)) {
            attempt = 1;
          }
        } catch (thrown) {
          if (signal.aborted) {
            return;
          }
          error = connection.failed(thrown, address);
          if (!transient(error)) {
            throw error;
          }
        }
        await pause(connection.retry.wait(attempt, error), signal);
      }
    } finally {
      await connection.close();
    }
  }

  /** One call, until the service ends it; whether anything came. */
  async #connected(connection: Connection, address: string): Promise<boolean> {
    const { maxInFlight = 0, build = "" } = this.#options;
    const requests = new Queue<Request>();
    const processors = Object.keys(this.#handlers).sort();
    const functions = [...this.#functions.keys()].sort().map(served);
    requests.push({ message: { case: "hello", value: { processors, functions, maxInFlight, build, timers: true } } });
    const nodes = new Map<bigint, ProcessorNode>();
    const answering = new Set<Promise<void>>();
    let greeted = false;
    try {
      const call = { signal: this.#closing.signal };
      for await (const response of connection.stream(ProcessorService.method.process, requests, call, address)) {
        greeted = true;
        const bundle = this.#take(response, nodes);
        if (bundle !== undefined) {
          const answered = this.#answer(nodes.get(bundle.node)!, bundle).then((request) => requests.push(request));
          answering.add(answered);
          void answered.finally(() => answering.delete(answered));
        }
      }
    } catch (thrown) {
      if (!greeted || this.#closing.signal.aborted) {
        throw thrown;
      }
      const error = connection.failed(thrown, address);
      if (!transient(error, true)) {
        throw error;
      }
    } finally {
      requests.end();
      await Promise.all(answering); // their answers are lost: the bundles go to others
    }
    return greeted;
  }

  /** What a message says; the bundle that is to be answered. */
  #take({ message }: ProcessResponse, nodes: Map<bigint, ProcessorNode>): BundleMessage | undefined {
    switch (message.case) {
      case "node":
        nodes.set(message.value.id, ProcessorNode.of(message.value));
        return undefined;
      case "dropped":
        this.#options.onDropped?.(message.value.reason === DropReason.INVALID ? "INVALID" : "GONE", message.value.message);
        return undefined;
      default:
        return message.case === "bundle" ? message.value : undefined;
    }
  }

  /** What the handler makes of a bundle. */
  async #answer(node: ProcessorNode, message: BundleMessage): Promise<Request> {
    const { lease, bundle } = message;
    let failed: Failed;
    try {
      const answered = node.calls === undefined ? await this.#processed(node, message) : await this.#computed(node, message);
      if (!("reason" in answered)) {
        return { message: { case: "result", value: answered } };
      }
      failed = answered;
    } catch (error) {
      failed = { rows: [], timers: [], reason: told(error) };
    }
    this.#options.onFailed?.(node, failed.reason);
    const { rows, timers, reason } = failed;
    return { message: { case: "failure", value: { lease, bundle, poisonRows: [...rows], poisonTimers: [...timers], message: reason } } };
  }

  async #processed(node: ProcessorNode, message: BundleMessage): Promise<Result | Failed> {
    const bundle = Bundle.of(node, message);
    return (await process(this.#handlers[node.processor]!, bundle)) ?? bundle.result(message.lease, message.bundle);
  }

  #computed(node: ProcessorNode, message: BundleMessage): Promise<Result | Failed> {
    return computed(this.#functions.get(called(node.calls!))!, node, message);
  }
}

/** How a function is named in this worker. */
function called({ name, version }: { readonly name: string; readonly version: number }): string {
  return `${name.toUpperCase()}/${version || 1}`;
}
