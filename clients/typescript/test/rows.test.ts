/** Rows between their columnar form and JavaScript values, with extremes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { decimalText } from "../src/decimal.js";
import { RowBatchSchema } from "../src/gen/penstock/v1/row_pb.js";
import { toValue } from "../src/values.js";
import { decodeBatch, encodeBatch } from "../src/rows.js";
import { resolve, type SqlType } from "../src/types.js";

const of = (kind: SqlType["kind"], more: Partial<SqlType> = {}): SqlType => ({ kind, sql: kind, ...more });
const INT = of("INT");
const STRING = of("STRING");
const STRUCT = of("STRUCT", { fields: [{ name: "X", type: INT }, { name: "tags", type: of("ARRAY", { element: STRING }) }] });

/** There, over the wire, and back. */
function roundTrip(type: SqlType, values: unknown[]): unknown[] {
  const sent = create(RowBatchSchema, encodeBatch([type], [values], values.length));
  const [back] = decodeBatch([type], fromBinary(RowBatchSchema, toBinary(RowBatchSchema, sent)));
  return back ?? [];
}

const extremes: [SqlType, unknown[]][] = [
  [of("BOOLEAN"), [true, false, null]],
  [INT, [2147483647, -2147483648, 0, null]],
  [of("BIGINT"), [2n ** 63n - 1n, -(2n ** 63n), 0n, null]],
  [of("DOUBLE"), [Number.MAX_VALUE, Number.MIN_VALUE, -0, Infinity, -Infinity, NaN, null]],
  [of("DECIMAL", { precision: 38, scale: 18 }), ["99999999999999999999.999999999999999999", "-0.000000000000000001", null]],
  [STRING, ["", "nul \0", "😀é", "a".repeat(70_000), null]],
  [of("BYTES"), [new Uint8Array(), new Uint8Array([0, 255]), null]],
  [of("DATE"), ["0001-01-01", "1969-12-31", "1970-01-01", "2024-02-29", "9999-12-31", null]],
  [of("TIME"), ["00:00:00.000", "23:59:59.999", null]],
  [of("TIMESTAMP"), [new Date(8.64e15), new Date(-8.64e15), new Date(1), new Date(-1), null]],
  [of("ARRAY", { element: of("ARRAY", { element: INT }) }), [[], [[]], [[1, null], null], null]],
  [of("MAP", { key: STRING, element: of("BIGINT") }), [new Map(), new Map([["", 1n], ["k", null]]), null]],
  [of("MAP", { key: INT, element: STRUCT }), [new Map([[1, { X: 1, tags: null }]]), null]],
  [STRUCT, [{ X: null, tags: ["a", null] }, { X: 1, tags: [] }, null]],
];
for (const [type, values] of extremes) {
  test(`${type.kind} there and back`, () => assert.deepEqual(roundTrip(type, values), values));
}

test("what other forms are taken for the same values", () => {
  assert.deepEqual(roundTrip(of("BIGINT"), [7]), [7n]);
  assert.deepEqual(roundTrip(INT, [7n]), [7]);
  assert.deepEqual(roundTrip(of("TIMESTAMP"), [5, 6n, 2n ** 60n]), [new Date(5), new Date(6), 2n ** 60n]);
  assert.deepEqual(roundTrip(of("DATE"), [1, -1_000_000]), ["1970-01-02", -1_000_000]);
  assert.deepEqual(roundTrip(of("TIME"), ["12:30", "12:30:01", "12:30:01.5", 1, -5]), ["12:30:00.000", "12:30:01.000", "12:30:01.500", "00:00:00.001", -5]);
  assert.deepEqual(roundTrip(of("MAP", { key: STRING, element: INT }), [{ a: 1 }]), [new Map([["a", 1]])]);
  assert.deepEqual(roundTrip(STRUCT, [{ x: 3 }]), [{ X: 3, tags: null }]);
});

const wrong: [SqlType, unknown, RegExp][] = [
  [INT, 1.5, /whole number/],
  [INT, 2 ** 31, /does not fit INT/],
  [of("BIGINT"), 2 ** 60, /safe whole number/],
  [of("BIGINT"), 2n ** 63n, /does not fit BIGINT/],
  [of("DOUBLE"), "1", /expected a number/],
  [of("DECIMAL", { scale: 2 }), "1.234", /does not fit 2 digits/],
  [of("DECIMAL", { scale: 2 }), 1.5, /as text/],
  [of("DATE"), "2023-02-29", /expected a date/],
  [of("TIME"), "24:00", /expected a time/],
  [of("TIMESTAMP"), new Date(NaN), /valid Date/],
  [of("TIMESTAMP"), "2024-01-01", /valid Date/],
  [of("BYTES"), "abc", /Uint8Array/],
  [of("ARRAY", { element: INT }), "abc", /an array/],
  [of("MAP", { key: STRING, element: INT }), new Map([[null, 1]]), /no null key/],
  [STRUCT, { y: 1 }, /unknown field y; this STRUCT has X, tags/],
];
for (const [type, value, message] of wrong) {
  test(`${type.kind} refuses ${String(value)}`, () => assert.throws(() => roundTrip(type, [value]), message));
}

test("data of another type or length is refused", () => {
  const two = create(RowBatchSchema, encodeBatch([INT], [[1, 2]], 3));
  assert.throws(() => decodeBatch([INT], two), /2 slots where the batch has 3/);
  assert.throws(() => decodeBatch([STRING], create(RowBatchSchema, encodeBatch([INT], [[1]], 1))), /holds ints where its type needs strings/);
  assert.deepEqual(decodeBatch([INT], create(RowBatchSchema, { rowCount: 2, columns: [{}] })), [[null, null]]);
});

test("decimals have exactly the scale's digits", () => {
  const texts = ["1", "-1.5", "+.5", "007.10", "-0.00", "1."].map((text) => decimalText(text, 2));
  assert.deepEqual(texts, ["1.00", "-1.50", "0.50", "7.10", "0.00", "1.00"]);
  assert.equal(decimalText(12n, 0), "12");
  assert.throws(() => decimalText("1e3", 0), TypeError);
});

test("values of keys and parameters", () => {
  const kinds = [1, 1n, 1.5, -0, 2 ** 60, true, "t", new Date(3), new Uint8Array([1]), null, [1]].map((v) => toValue(v).kind?.case);
  const expected = ["integer", "integer", "floating", "floating", "floating", "boolean", "text", "integer", "binary", undefined, "list"];
  assert.deepEqual(kinds, expected);
});

test("a name is found without regard to case where that is clear", () => {
  assert.equal(resolve(["a", "A"], "a"), "a");
  assert.equal(resolve(["TOTAL"], "total"), "TOTAL");
  assert.equal(resolve(["Total"], "TOTAL"), "Total");
  assert.equal(resolve(["Total", "tOtal"], "total"), undefined);
});
