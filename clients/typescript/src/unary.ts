/**
 * A unary gRPC call straight on an HTTP/2 stream. The general transport makes iterators, signals and promises by the dozen for each call, which is
 * most of what a short one costs.
 */

import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { create, type DescMessage, type DescMethodUnary, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, decodeBinaryHeader } from "@connectrpc/connect";
import type { Http2SessionManager } from "@connectrpc/connect-node";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

/** Before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/** How one call is made. */
export interface UnaryCall<I extends DescMessage, O extends DescMessage> {
  readonly method: DescMethodUnary<I, O>;
  readonly request: MessageInitShape<I>;
  /** By names in lower case. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Whole milliseconds, the opening of a connection included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** The largest message either way. */
  readonly maxBytes: number;
}

/** The answer. Rejects with a ConnectError. */
export function unary<I extends DescMessage, O extends DescMessage>(sessions: Http2SessionManager, call: UnaryCall<I, O>): Promise<MessageShape<O>> {
  const { method, request, metadata, timeoutMs, signal, maxBytes } = call;
  return new Promise((resolve, reject) => {
    const message = toBinary(method.input, create(method.input, request));
    if (message.length > maxBytes) {
      throw new ConnectError(`the request of ${message.length} bytes is larger than ${maxBytes}`, Code.ResourceExhausted);
    }
    let stream: ClientHttp2Stream | undefined;
    let settled = false;
    const settle = () => {
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const fail = (error: unknown) => {
      if (!settled) {
        settle();
        stream?.close(constants.NGHTTP2_CANCEL);
        reject(error instanceof ConnectError ? error : new ConnectError(String(error), Code.Unavailable, undefined, undefined, error));
      }
    };
    const timer = setTimeout(() => fail(new ConnectError("the call was not answered in time", Code.DeadlineExceeded)), timeoutMs);
    const abort = () => fail(new ConnectError("the call was aborted", Code.Canceled, undefined, undefined, signal?.reason));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted === true) {
      abort();
      return;
    }

    const headers = { ...metadata, "content-type": "application/grpc+proto", te: "trailers", "grpc-timeout": `${timeoutMs}m` };
    sessions.request("POST", `/${method.parent.typeName}/${method.name}`, headers, {}).then((opened) => {
      const reply = new Reply(maxBytes);
      const answered = () => {
        if (reply.complete && !settled) {
          settle();
          try {
            resolve(fromBinary(method.output, reply.message()));
          } catch (error) {
            reject(error);
          }
        }
      };
      stream = opened;
      opened.on("error", fail);
      if (settled) {
        opened.close(constants.NGHTTP2_CANCEL);
        return;
      }
      opened.on("response", (found) => reply.began(found));
      opened.on("trailers", (found) => {
        reply.ended(found);
        answered();
      });
      opened.on("data", (chunk: Buffer) => {
        sessions.notifyResponseByteRead(opened);
        if (!reply.took(chunk)) {
          fail(new ConnectError(`the answer is larger than ${maxBytes} bytes`, Code.ResourceExhausted));
        }
      });
      opened.on("end", () => {
        reply.read = true;
        answered();
      });
      opened.on("close", () => {
        if (!settled) {
          fail(new ConnectError(`http/2 stream closed with code ${opened.rstCode} and no status`, Code.Unavailable));
        }
      });
      opened.end(framed(message));
    }, fail);
  });
}

function framed(message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  out[0] = 0;
  out.writeUInt32BE(message.length, 1);
  out.set(message, PREFIX_BYTES);
  return out;
}

type Incoming = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** What has come of an answer. */
class Reply {
  /** Whether the body was read to its end. */
  read = false;
  #headers: Incoming = {};
  #trailers: IncomingHttpHeaders | undefined;
  #bytes = 0;
  readonly #chunks: Buffer[] = [];
  readonly #most: number;

  constructor(maxBytes: number) {
    this.#most = PREFIX_BYTES + maxBytes;
  }

  began(headers: Incoming): void {
    this.#headers = headers;
    if (headers["grpc-status"] !== undefined || headers[":status"] !== 200) {
      this.#trailers = headers; // there is nothing else
    }
  }

  ended(trailers: IncomingHttpHeaders): void {
    this.#trailers = trailers;
  }

  /** Whether the chunk is not more than an answer may have. */
  took(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    return this.#bytes <= this.#most;
  }

  get complete(): boolean {
    return this.read && this.#trailers !== undefined;
  }

  /** The message; throws the status that the call ended with otherwise. */
  message(): Uint8Array {
    const ended = this.#trailers ?? {};
    if (ended["grpc-status"] !== "0") {
      throw failure(this.#headers, ended);
    }
    const [only, ...more] = this.#chunks;
    const body = only === undefined || more.length > 0 ? Buffer.concat(this.#chunks) : only;
    const length = body.length < PREFIX_BYTES ? -1 : body.readUInt32BE(1);
    if (body[0] !== 0 || length !== body.length - PREFIX_BYTES) {
      throw new ConnectError("the answer is not one message without compression", Code.Internal, { "grpc-status": "0" });
    }
    return body.subarray(PREFIX_BYTES);
  }
}

/** The error of an answer that has a status other than OK, or none. */
function failure(headers: Incoming, ended: IncomingHttpHeaders): ConnectError {
  const code = ended["grpc-status"];
  if (typeof code !== "string") {
    // No gRPC service answered, but what stands before it.
    const status = headers[":status"] ?? 0;
    return new ConnectError(`HTTP ${status}`, status === 200 || status === 429 || status >= 500 ? Code.Unavailable : Code.Unknown);
  }
  const message = ended["grpc-message"];
  const error = new ConnectError(typeof message === "string" ? decodeURIComponent(message) : "", Number(code), { "grpc-status": code });
  const details = ended["grpc-status-details-bin"];
  if (typeof details === "string") {
    const status = decodeBinaryHeader(details, StatusSchema);
    error.details = status.details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value }));
  }
  return error;
}
