/** Trace context of the application's OpenTelemetry in the metadata of calls, where the application has the package @opentelemetry/api. */

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

/** What the application's propagator says of the active context, such as `traceparent`. */
export async function traceContext(): Promise<Record<string, string>> {
  const otel = await openTelemetry();
  const out: Record<string, string> = {};
  otel?.propagation.inject(otel.context.active(), out);
  return out;
}
