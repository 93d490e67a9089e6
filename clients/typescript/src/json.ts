/** Rows as JSON text: bigints and decimals keep their digits, dates are ISO 8601, bytes base64. */

import { show } from "./times.js";

/** Compact JSON. TypeError for what JSON does not have. */
export function jsonText(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "null";
    case "bigint":
      return String(value);
    case "number":
      if (!Number.isFinite(value)) {
        throw new TypeError(`JSON has no ${value}`);
      }
      return JSON.stringify(value);
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "object":
      return value === null ? "null" : objectText(value);
    default:
      throw new TypeError(`no JSON for ${show(value)}`);
  }
}

function objectText(value: object): string {
  if (value instanceof Date) {
    return JSON.stringify(value);
  }
  if (value instanceof Uint8Array) {
    return JSON.stringify(Buffer.from(value).toString("base64"));
  }
  if (Array.isArray(value)) {
    return `[${value.map(jsonText).join(",")}]`;
  }
  const entries: [unknown, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  return `{${entries.map(([name, one]) => `${JSON.stringify(String(name))}:${jsonText(one)}`).join(",")}}`;
}
