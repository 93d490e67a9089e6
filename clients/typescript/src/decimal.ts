/** DECIMAL values as the API's text. */

import { show } from "./times.js";

const PLAIN = /^([+-]?)(\d*)(?:\.(\d*))?$/;

/**
 * Plain text with exactly `scale` digits behind the point, of decimal text, a bigint or a whole number. A number with a fraction is refused:
 * what it looks like is not what it is. RangeError when digits would be lost.
 */
export function decimalText(value: unknown, scale: number): string {
  const text = typeof value === "bigint" || Number.isSafeInteger(value) ? String(value) : value;
  const parts = typeof text === "string" ? PLAIN.exec(text) : null;
  const [sign = "", whole = "", fraction = ""] = parts?.slice(1) ?? [];
  if (parts === null || whole + fraction === "") {
    throw new TypeError(`expected a decimal as text, such as '12.50', not ${show(value)}`);
  }
  if (/[^0]/.test(fraction.slice(scale))) {
    throw new RangeError(`${text} does not fit ${scale} digits behind the point`);
  }
  const digits = fraction.slice(0, scale).padEnd(scale, "0");
  const number = `${whole.replace(/^0+(?=\d)/, "") || "0"}${scale > 0 ? `.${digits}` : ""}`;
  return sign === "-" && /[1-9]/.test(number) ? `-${number}` : number;
}
