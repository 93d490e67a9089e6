/** What scenarios in TypeScript share: a client, names, the runner's ear, and values as facts have them. */

import { createInterface } from "node:readline";
import { Client, type ClientOptions, ClosedError, PenstockError, type Row, UnreachableError } from "@penstock/client";

export type Facts = Record<string, unknown>;
export type Scenario = (run: Run) => Promise<Facts>;

/** One run of a scenario. */
export class Run {
  readonly #prefix: string;
  readonly #clients: Client[] = [];
  readonly #input = createInterface({ input: process.stdin });
  readonly #lines = this.#input[Symbol.asyncIterator]();

  constructor(
    readonly address: string,
    prefix: string,
    readonly settings: Readonly<Record<string, string>>,
  ) {
    this.#prefix = prefix;
  }

  /** One more client, closed at the end. */
  connect(options: ClientOptions = {}): Client {
    const client = new Client(this.address, options);
    this.#clients.push(client);
    return client;
  }

  /** The first client. */
  get client(): Client {
    return this.#clients[0] ?? this.connect();
  }

  /** A name of this run's own. */
  name(base: string): string {
    return this.#prefix + base;
  }

  /** Have the runner do something; its answer. */
  async ask(what: string, more: Facts = {}): Promise<Facts> {
    console.log(JSON.stringify({ ask: what, ...more }));
    const { value } = await this.#lines.next();
    return JSON.parse(value as string) as Facts;
  }

  async close(): Promise<void> {
    this.#input.close();
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}

/** Why a call failed; `OK` when it did not. */
export async function reason(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return "OK";
  } catch (error) {
    if (error instanceof UnreachableError) {
      return "UNREACHABLE";
    }
    if (error instanceof ClosedError) {
      return "CLOSED";
    }
    if (error instanceof PenstockError) {
      return error.reason;
    }
    if (error instanceof TypeError || error instanceof RangeError) {
      return "REJECTED";
    }
    throw error;
  }
}

/** A value as facts have it. */
export function plain(value: unknown): unknown {
  if (typeof value === "bigint") {
    return String(value);
  }
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : String(value);
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString("base64");
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (value instanceof Map) {
    return Object.fromEntries([...(value as Map<string, unknown>)].map(([name, one]) => [name, plain(one)]));
  }
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
  }
  return value;
}

/** A row as facts have it, META columns left out. */
export function cells(row: Row): Facts {
  const columns = row.schema.columns.filter(({ role }) => role !== "META");
  return Object.fromEntries(columns.map(({ name }) => [name, plain(row.get(name))]));
}

/** Everything that an iterable gives. */
export async function all<T>(of: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const one of of) {
    out.push(one);
  }
  return out;
}

/** The first that an iterable gives; undefined when it gives none. */
export async function first<T>(of: AsyncIterable<T>): Promise<T | undefined> {
  for await (const one of of) {
    return one;
  }
  return undefined;
}
