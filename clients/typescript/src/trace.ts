/** Trace context of the application's OpenTelemetry in the metadata of calls, where the application has the package @opentelemetry/api. */

import type { Interceptor } from "@connectrpc/connect";

type Api = typeof import("@opentelemetry/api");

let api: Promise<Api | undefined> | undefined;

/** The application's OpenTelemetry API; undefined when it has none. */
function openTelemetry(): Promise<Api | undefined> {
  api ??= import("@opentelemetry/api").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") {
      return undefined;
    }
    throw error;
  });
  return api;
}

/** Adds what the application's propagator says of the active context, such as `traceparent`, to each call. */
export const traced: Interceptor = (next) => async (request) => {
  const otel = await openTelemetry();
  if (otel !== undefined) {
    otel.propagation.inject(otel.context.active(), request.header, { set: (header, name, value) => header.set(name, value) });
  }
  return next(request);
};
