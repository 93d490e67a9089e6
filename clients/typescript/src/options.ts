/** How a client connects, and what each call may set. */

import type { RetryOptions } from "./retry.js";

/** Where `penstock serve` listens by default. */
export const DEFAULT_ADDRESS = "127.0.0.1:7550";

/** TLS with files of one's own; each is PEM text or its bytes. */
export interface TlsOptions {
  /** Certificates to trust instead of the system's. */
  ca?: string | Uint8Array;
  /** This client's certificate, with `key`, for a service that asks for one. */
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
  /** The name in the service's certificate, when it is not the address. */
  serverName?: string;
}

/** A bearer token, or what gives one for each call. */
export type Token = string | (() => string | Promise<string>);

/** How a client connects. */
export interface ClientOptions {
  /** TLS; without it plain text. */
  tls?: boolean | TlsOptions;
  /**
   * Goes with every call as `authorization: Bearer`. A function is asked each time, so that it may renew what it gives; a
   * stream whose token has expired goes on with that.
   */
  token?: Token;
  /** Milliseconds for a unary call, all its attempts together. Default 30,000. */
  timeoutMs?: number;
  /** Repetition of calls that may be repeated. */
  retry?: RetryOptions;
  /** Pings that find dead connections. The interval is 30,000 by default and at least 10,000, the timeout 10,000. */
  keepalive?: { intervalMs?: number; timeoutMs?: number };
  /** Metadata of every call. */
  headers?: Readonly<Record<string, string>>;
}

/** What each call may set. */
export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Instead of the client's, for a unary call. */
  timeoutMs?: number | undefined;
  /** More metadata of this call. */
  headers?: Readonly<Record<string, string>> | undefined;
}
