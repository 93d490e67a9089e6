/** One HTTP/2 connection to one address: keepalive, windows, TLS, and what goes with every call. */

import type { ClientHttp2Session, ClientHttp2Stream, SecureClientSessionOptions } from "node:http2";
import { isIPv4 } from "node:net";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { ClientOptions, TlsOptions, Token } from "./options.js";
import { traced } from "./trace.js";

/** The largest message either way. */
const MESSAGE_BYTES = 64 << 20;
/** What the service may send ahead on one stream that is not read: the memory that a slow reader of ours takes. */
const STREAM_WINDOW = 256 << 10;
/** All streams of a connection together: so large that one whose reader has stopped never holds up the others. */
const CONNECTION_WINDOW = 1 << 30;

/** A connection that is opened by the first call, and again after it broke. */
export interface Endpoint {
  readonly address: string;
  readonly transport: Transport;
  /** Ends the connection with all its calls. */
  close(): void;
}

class Sessions extends Http2SessionManager {
  readonly #grown = new WeakSet<ClientHttp2Session>();

  override async request(...call: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    const stream = await super.request(...call);
    const session = stream.session as ClientHttp2Session | undefined;
    if (session !== undefined && !this.#grown.has(session)) {
      this.#grown.add(session);
      session.setLocalWindowSize(CONNECTION_WINDOW);
    }
    return stream;
  }
}

/** The endpoint of `host:port`. TypeError where a token would travel in plain text over a network. */
export function endpoint(address: string, options: ClientOptions): Endpoint {
  const secure = options.tls !== undefined && options.tls !== false;
  if (options.token !== undefined && !secure && !onThisMachine(address)) {
    throw new TypeError(`a token would be sent to ${address} in plain text: set tls, with a ca for authorities of your own`);
  }
  const url = `${secure ? "https" : "http"}://${address}`;
  const sessions = new Sessions(
    url,
    {
      pingIntervalMs: Math.max(10_000, options.keepalive?.intervalMs ?? 30_000),
      pingTimeoutMs: options.keepalive?.timeoutMs ?? 10_000,
      pingIdleConnection: true,
    },
    { settings: { initialWindowSize: STREAM_WINDOW, enablePush: false }, ...tlsOptions(options.tls) },
  );
  const interceptors = [...(options.token === undefined ? [] : [authorized(options.token)]), ...withHeaders(options.headers), traced];
  const transport = createGrpcTransport({
    baseUrl: url,
    sessionManager: sessions,
    interceptors,
    acceptCompression: [],
    readMaxBytes: MESSAGE_BYTES,
    writeMaxBytes: MESSAGE_BYTES,
  });
  return { address, transport, close: () => sessions.abort() };
}

function onThisMachine(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

function tlsOptions(tls: boolean | TlsOptions | undefined): SecureClientSessionOptions {
  if (tls === undefined || typeof tls === "boolean") {
    return {};
  }
  const { ca, cert, key, serverName } = tls;
  return {
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === "string" ? text : Buffer.from(text);
}

function authorized(token: Token): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
    return next(request);
  };
}

function withHeaders(headers: Readonly<Record<string, string>> | undefined): Interceptor[] {
  if (headers === undefined) {
    return [];
  }
  const all = Object.entries(headers);
  return [
    (next) => (request) => {
      for (const [name, value] of all) {
        if (!request.header.has(name)) {
          request.header.set(name, value);
        }
      }
      return next(request);
    },
  ];
}
