/** Keys as keys of a Map. */

/** Something that is equal (as Map compares) for equal keys of the same columns. */
export function identity(key: readonly unknown[]): unknown {
  const only = key[0];
  return key.length === 1 && (typeof only !== "object" || only === null) ? only : JSON.stringify(key, spelled);
}

/** JSON for values that have none, or no order: columns of a key are of one type each, so that the spellings cannot meet. */
function spelled(_name: string, value: unknown): unknown {
  if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))) {
    return String(value);
  }
  if (value instanceof Map) {
    const entries = [...(value as Map<unknown, unknown>)].map(([k, v]) => [identity([k]), v] as const);
    return entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)).map(([k, v]) => [typeof k === "bigint" ? String(k) : k, v]);
  }
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
