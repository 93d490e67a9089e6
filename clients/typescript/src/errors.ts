/**
 * The error tree.
 *
 *     PenstockError             reason, message, code, metadata, retryAfterMs, expression, rowErrors
 *      +- one class for each ErrorReason (UnknownRelationError, PositionExpiredError, ...), generated from errors.proto
 *      +- UnreachableError      no answer from the service: not started, network, or it went away
 *      +- ClosedError           this client, subscription, scan or appender was closed
 *
 * Mistakes of the application (a column that the schema does not have, a value of a wrong type) are TypeError and RangeError, before
 * anything is sent.
 */

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type ExpressionPlace, PenstockError, type RowError, type StatusCode } from "./error.js";
import { BY_REASON, DeadlineExceededError, RequestTooLargeError } from "./gen/errors.js";
import { ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import type { Status } from "./gen/google/rpc/status_pb.js";
import type { RowError as RowErrorMessage } from "./gen/penstock/v1/append_service_pb.js";
import { ExpressionErrorSchema } from "./gen/penstock/v1/errors_pb.js";

export * from "./error.js";
export * from "./gen/errors.js";

const DOMAIN = "penstock.v1";
const PREFIX = "ERROR_REASON_";

/** The service did not answer: it is not there, or the connection broke. */
export class UnreachableError extends PenstockError {}

/** This client, subscription, scan or appender was closed. */
export class ClosedError extends PenstockError {}

const CODES: readonly StatusCode[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** The name of a code's number; UNKNOWN for one that is none. */
function codeName(code: number): StatusCode {
  return CODES[code] ?? "UNKNOWN";
}

/** The typed error of a failed call. What is no error of the transport is given back as it is. */
export function fromRpc(cause: unknown): unknown {
  if (!(cause instanceof ConnectError)) {
    return cause;
  }
  const message = cause.rawMessage;
  const find = <D extends DescMessage>(schema: D) => cause.findDetails(schema)[0];
  const typed = typedError(message, cause.code, find, cause);
  if (typed !== undefined) {
    return typed;
  }
  const code = codeName(cause.code);
  if (!cause.metadata.has("grpc-status") && brokenConnection(cause)) {
    return new UnreachableError(message, { code: "UNAVAILABLE", cause });
  }
  switch (code) {
    case "UNAVAILABLE":
      return new UnreachableError(message, { code, cause });
    case "DEADLINE_EXCEEDED":
      return new DeadlineExceededError(message || "the call was not answered in time", { code, cause });
    case "RESOURCE_EXHAUSTED":
      // The transport refuses a message over its limit before the service or the application sees it.
      return /larger than/.test(message) ? new RequestTooLargeError(message, { code, cause }) : other();
    default:
      return other();
  }
  function other(): PenstockError {
    return new PenstockError(`${code}: ${message}`, { code, cause });
  }
}

/** Whether an error without a status of the service says that the connection or its stream broke. */
function brokenConnection(error: ConnectError): boolean {
  switch (error.code) {
    case Code.Unavailable:
    case Code.Aborted:
    case Code.Canceled:
      return true;
    case Code.Internal:
    case Code.Unknown:
      // A stream that ended without a status: its connection was closed, or reset with a code that says nothing.
      return fromNode(error.cause) || /http\/2 stream closed|missing (status|output message)|premature/i.test(error.rawMessage);
    default:
      return false;
  }
}

/** Whether an error is one of Node's sockets, of HTTP/2 or of TLS, such as a certificate that is not trusted. */
function fromNode(cause: unknown): boolean {
  const codes = /^(E[A-Z]+|ERR_(HTTP2|STREAM|SOCKET|TLS|SSL)_.*|.*(CERT|SIGNATURE|ISSUER).*)$/;
  return cause instanceof Error && "code" in cause && codes.test(String(cause.code));
}

/** The typed error of a status in band, such as that of a statement or of a row. */
export function fromStatus(status: Status): PenstockError {
  const find = <D extends DescMessage>(schema: D) => {
    for (const detail of status.details) {
      const found = anyUnpack(detail, schema);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  };
  return typedError(status.message, status.code, find) ?? new PenstockError(status.message, { code: codeName(status.code) });
}

type Find = <D extends DescMessage>(schema: D) => MessageShape<D> | undefined;

/** The error of the class that a status' ErrorInfo names; undefined when it has none of this API. */
function typedError(message: string, code: number, find: Find, cause?: unknown): PenstockError | undefined {
  const info = find(ErrorInfoSchema);
  if (info === undefined || info.domain !== DOMAIN) {
    return undefined;
  }
  const reason = info.reason.startsWith(PREFIX) ? info.reason.slice(PREFIX.length) : info.reason;
  const delay = find(RetryInfoSchema)?.retryDelay;
  // A newer service may know reasons that this client does not: those are the root class with the reason's name.
  return new (BY_REASON[reason] ?? PenstockError)(message, {
    reason,
    code: codeName(code),
    metadata: info.metadata,
    retryAfterMs: delay === undefined ? undefined : durationMs(delay),
    expression: placeOf(find),
    cause,
  });
}

function placeOf(find: Find): ExpressionPlace | undefined {
  const wrong = find(ExpressionErrorSchema);
  if (wrong === undefined) {
    return undefined;
  }
  const { field, node, start, end, message } = wrong;
  return { field, node, start, end, message };
}

/** The refused rows of an acknowledgement. */
export function rowErrors(messages: readonly RowErrorMessage[]): RowError[] {
  return messages.map(({ row, error }) => {
    const typed = error === undefined ? new PenstockError("the row was refused") : fromStatus(error);
    return { row, reason: typed.reason, message: typed.message, metadata: typed.metadata };
  });
}
