/** The root of this package's errors. It stands apart, so that the generated classes and errors.ts can both import it. */

/** The name of a gRPC status code. */
export type StatusCode =
  | "OK"
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** Where an expression is wrong: `field` is its path in the request, `node` the node's name; `start` and `end` count code points. */
export interface ExpressionPlace {
  readonly field: string;
  readonly node: string;
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

/** Why one row of a batch was refused; `row` counts from 0. */
export interface RowError {
  readonly row: number;
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a {@link PenstockError} carries beside its message. */
export interface ErrorDetails {
  /** Name of the ErrorReason without its prefix; by default that of the class. */
  reason?: string;
  code?: StatusCode;
  metadata?: Readonly<Record<string, string>>;
  retryAfterMs?: number | undefined;
  expression?: ExpressionPlace | undefined;
  rowErrors?: readonly RowError[];
  cause?: unknown;
}

/** Anything that the service refuses or that fails on the way to it. */
export class PenstockError extends Error {
  /** The reason that a class stands for; empty for the root. */
  static readonly reason: string = "";

  /** Name of the ErrorReason without its prefix; empty when the service gave none. */
  readonly reason: string;
  /** gRPC status code. */
  readonly code: StatusCode;
  /** What the reason's documentation names. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds after which a retry makes sense; undefined when the service named none. */
  readonly retryAfterMs: number | undefined;
  /** The place of the mistake, for an expression. */
  readonly expression: ExpressionPlace | undefined;
  /** The refused rows, for an append. */
  readonly rowErrors: readonly RowError[];

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.reason = details.reason ?? new.target.reason;
    this.code = details.code ?? "UNKNOWN";
    this.metadata = details.metadata ?? {};
    this.retryAfterMs = details.retryAfterMs;
    this.expression = details.expression;
    this.rowErrors = details.rowErrors ?? [];
  }
}

/** A class of errors for one reason. */
export type ErrorClass = new (message: string, details?: ErrorDetails) => PenstockError;
