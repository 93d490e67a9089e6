/**
 * The logic of a stream of appends, without I/O: which batches wait for their acknowledgement and what follows each answer.
 *
 * Each batch has a sequence under the appender's producer, so that sending it again after a broken connection writes nothing twice.
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { acknowledged, batchMessage, type Content } from "./appends.js";
import { PenstockError } from "./error.js";
import type { AppendAck, AppendOpened, AppendStreamRequestSchema, AppendStreamResponse } from "./gen/penstock/v1/append_service_pb.js";
import type { Appended } from "./model.js";
import { type Retry, transient } from "./retry.js";

/** A message to the service. */
export type AppendMessage = MessageInitShape<typeof AppendStreamRequestSchema>;

type Waiting = ReturnType<typeof batchMessage>;

/** Batches on their way. */
export class AppendState {
  /** Whether any connection was opened: the last sequence is known. */
  started = false;
  /** Of the newest batch that was handed in; before the first, what the service has of this producer. */
  sequence = 0n;
  /** The newest acknowledgement. */
  last: Appended | undefined;
  /** Rows acknowledged so far. */
  appended = 0;
  readonly producerId: string;
  readonly #relation: string;
  readonly #retry: Retry;
  readonly #skipInvalid: boolean;
  // Without an acknowledgement, oldest first.
  readonly #waiting: Waiting[] = [];
  // Of the service, once opened: who opens the same producer later ends this one.
  #epoch = 0n;
  #maxInFlight = 1;
  #attempt = 0;
  // By the present connection.
  #opened = false;

  constructor(relation: string, producerId: string, retry: Retry, skipInvalid: boolean) {
    this.#relation = relation;
    this.producerId = producerId;
    this.#retry = retry;
    this.#skipInvalid = skipInvalid;
  }

  /** The first message of a connection. */
  open(): AppendMessage {
    this.#opened = false;
    const position = this.last?.position ? { value: this.last.position } : undefined;
    return { message: { case: "open", value: { producerId: this.producerId, epoch: this.#epoch, position } } };
  }

  /** Whether one more batch may be sent now. */
  get room(): boolean {
    return this.#opened && this.#waiting.length < this.#maxInFlight;
  }

  /** Whether every batch is acknowledged. */
  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  /** A new batch as message; it waits from now on. */
  add(content: Content): AppendMessage {
    this.sequence += 1n;
    const value = batchMessage(this.#relation, content, this.sequence, this.#skipInvalid);
    this.#waiting.push(value);
    return { message: { case: "batch", value } };
  }

  /** What to send after a response. Throws for a batch that was refused. */
  take({ message }: AppendStreamResponse): AppendMessage[] {
    this.#attempt = 0;
    switch (message.case) {
      case "opened":
        return this.#open(message.value);
      case "ack":
        this.#acknowledge(message.value);
        return [];
      default:
        return [];
    }
  }

  #open({ epoch, maxInFlight, lastSequence }: AppendOpened): AppendMessage[] {
    this.#opened = true;
    this.#epoch = epoch;
    this.#maxInFlight = Math.max(1, maxInFlight);
    if (!this.started) {
      this.started = true;
      this.sequence = lastSequence;
    }
    // Batches that were written although their acknowledgement was lost are sent too: the answer `duplicate` has their position.
    return this.#waiting.map((value) => ({ message: { case: "batch", value } }));
  }

  #acknowledge(ack: AppendAck): void {
    if (this.#waiting[0]?.sequence !== ack.sequence) {
      throw new PenstockError(`acknowledgement ${ack.sequence} does not follow the batches that were sent`);
    }
    this.#waiting.shift();
    this.last = acknowledged(ack, this.#skipInvalid);
    this.appended += this.last.appended;
  }

  /** Milliseconds until the next connection; throws when a repeat does not help. */
  failed(error: PenstockError): number {
    const accepted = this.#opened;
    this.#attempt += 1;
    this.#opened = false;
    if (!transient(error, accepted) || (!this.started && this.#attempt >= this.#retry.attempts)) {
      throw error;
    }
    return this.#retry.wait(this.#attempt, error);
  }
}
