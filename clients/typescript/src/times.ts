/** Dates and times between JavaScript's values and the API's numbers (days, milliseconds). */

const DAY_MS = 86_400_000;
/** The days and milliseconds of the years 1 to 9999, which ISO 8601 text and every language's types reach. */
const FIRST_DAY = -719_162;
const LAST_DAY = 2_932_896;
/** What a Date reaches, either way. */
const DATE_MS = 8_640_000_000_000_000n;

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?$/;

/** Days since 1970-01-01 as `YYYY-MM-DD`; the number itself outside the years 1 to 9999. */
export function toDate(days: number): string | number {
  return days >= FIRST_DAY && days <= LAST_DAY ? new Date(days * DAY_MS).toISOString().slice(0, 10) : days;
}

/** Days since 1970-01-01, of `YYYY-MM-DD` or of their number. TypeError for anything else. */
export function fromDate(value: unknown): number {
  if (Number.isInteger(value)) {
    return value as number;
  }
  const parts = typeof value === "string" ? DATE.exec(value) : null;
  if (parts !== null) {
    const at = new Date(0);
    at.setUTCFullYear(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]));
    if (at.toISOString().slice(0, 10) === value) {
      return at.getTime() / DAY_MS;
    }
  }
  throw new TypeError(`expected a date as 'YYYY-MM-DD' or a number of days, not ${show(value)}`);
}

/** Milliseconds since midnight as `HH:MM:SS.mmm`; the number itself when it is no time of day. */
export function toTime(ms: number): string | number {
  return ms >= 0 && ms < DAY_MS ? new Date(ms).toISOString().slice(11, 23) : ms;
}

/** Milliseconds since midnight, of `HH:MM`, `HH:MM:SS`, `HH:MM:SS.mmm` or of their number. Digits behind milliseconds are cut. */
export function fromTime(value: unknown): number {
  if (Number.isInteger(value)) {
    return value as number;
  }
  const parts = typeof value === "string" ? TIME.exec(value) : null;
  if (parts !== null) {
    const [hours, minutes, seconds] = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)];
    if (hours < 24 && minutes < 60 && seconds < 60) {
      return ((hours * 60 + minutes) * 60 + seconds) * 1000 + Number((parts[4] ?? "").padEnd(3, "0"));
    }
  }
  throw new TypeError(`expected a time as 'HH:MM:SS.mmm' or a number of milliseconds, not ${show(value)}`);
}

/** Milliseconds since 1970 as a Date; the number itself where a Date does not reach. */
export function toTimestamp(ms: bigint): Date | bigint {
  return ms >= -DATE_MS && ms <= DATE_MS ? new Date(Number(ms)) : ms;
}

/** Milliseconds since 1970, of a Date or of their number. */
export function fromTimestamp(value: unknown): bigint {
  if (typeof value === "bigint") {
    return value;
  }
  if (Number.isSafeInteger(value)) {
    return BigInt(value as number);
  }
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    return BigInt(value.getTime());
  }
  throw new TypeError(`expected a valid Date or a number of milliseconds, not ${show(value)}`);
}

/** A value for people, in an error. */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
    case "bigint":
      return `${value}n`;
    case "object":
      return value === null ? "null" : value instanceof Date ? `Date(${value.getTime()})` : `a ${value.constructor?.name ?? "object"}`;
    default:
      return String(value);
  }
}
