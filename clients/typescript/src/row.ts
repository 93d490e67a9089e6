/** Rows and batches as the application sees them. */

import { type RowBatch, RowKind, type RowSchema as RowSchemaMessage } from "./gen/penstock/v1/row_pb.js";
import { decodeBatch } from "./rows.js";
import { type Column, columnsOf, resolve } from "./types.js";

/** The values of a row by column name. What an application knows of its columns it may say: `client.get<{ TOTAL: number }>(...)`. */
export type Fields = Record<string, any>;

/** Columns of the rows that follow. */
export class RowSchema {
  /** Names of the columns in order. */
  readonly names: readonly string[];
  readonly #places: Map<string, number>;

  /** `id` is a fingerprint, equal for equal columns. `table`: rows replace each other by key. */
  constructor(
    readonly id: bigint,
    readonly columns: readonly Column[],
    readonly table: boolean,
  ) {
    this.names = columns.map(({ name }) => name);
    this.#places = new Map(this.names.map((name, place) => [name, place]));
  }

  /** The schema that a message describes. */
  static of(message: RowSchemaMessage | undefined): RowSchema {
    return new RowSchema(message?.id ?? 0n, columnsOf(message?.schema), message?.table ?? false);
  }

  /** Index of a column, found as types.resolve says; undefined when it is not there. */
  find(name: string): number | undefined {
    let found = this.#places.get(name);
    if (found === undefined) {
      found = this.#places.get(resolve(this.names, name) ?? "");
      if (found !== undefined) {
        this.#places.set(name, found); // an application spells a column in one way, for every row
      }
    }
    return found;
  }

  /** The same. RangeError when it is not there. */
  place(name: string): number {
    const found = this.find(name);
    if (found === undefined) {
      throw new RangeError(`no column ${name}; there are ${this.names.join(", ")}`);
    }
    return found;
  }
}

/** One row of a batch. */
export class Row<T extends object = Fields> {
  readonly #batch: Batch<T>;
  readonly #index: number;

  /** @internal */
  constructor(batch: Batch<T>, index: number) {
    this.#batch = batch;
    this.#index = index;
  }

  /** The values by the columns' own names, in column order, as a new object. */
  get value(): T {
    return Object.fromEntries(this.schema.names.map((name, place) => [name, this.#batch.columns[place]![this.#index]])) as T;
  }

  /** The value of a column; case matters only where two names differ by it alone. RangeError when there is none. */
  get<K extends keyof T & string>(name: K): T[K];
  get(name: string): T[keyof T];
  get(name: string): unknown {
    return this.#batch.columns[this.schema.place(name)]![this.#index];
  }

  /** True when the row of this key is gone (table), or the record has a null value (stream). Its values are null then, the key's excepted. */
  get deleted(): boolean {
    return this.#batch.deleted[this.#index] ?? false;
  }

  /** Token of the batch that the row came in; empty when that is no resume point. */
  get position(): string {
    return this.#batch.position;
  }

  get schema(): RowSchema {
    return this.#batch.schema;
  }

  /** The values, for JSON.stringify, which needs a BigInt.prototype.toJSON of the application's for BIGINT. */
  toJSON(): T {
    return this.value;
  }
}

/** Rows that came together; an iterable of {@link Row}. */
export class Batch<T extends object = Fields> implements Iterable<Row<T>> {
  readonly type = "batch";

  /** @internal */
  constructor(
    readonly schema: RowSchema,
    /** One array of values a column. */
    readonly columns: readonly (readonly unknown[])[],
    /** Number of rows. */
    readonly size: number,
    /** One entry a row; empty when no row is deleted. */
    readonly deleted: readonly boolean[],
    /** Token that resumes after this batch; empty when it is no resume point. */
    readonly position: string,
    /** Whether the rows are state, not changes. */
    readonly snapshot: boolean,
  ) {}

  /** The batch of a message. RangeError when it does not have the schema's columns. */
  static of<T extends object>(schema: RowSchema, message: RowBatch | undefined, position = "", snapshot = false): Batch<T> {
    if (message === undefined) {
      return new Batch(schema, schema.columns.map(() => []), 0, [], position, snapshot);
    }
    const columns = decodeBatch(
      schema.columns.map(({ type }) => type),
      message,
    );
    const deleted = message.kinds.map((kind) => kind === RowKind.DELETE);
    if (deleted.length > 0 && deleted.length !== message.rowCount) {
      throw new RangeError(`the batch has ${deleted.length} kinds for ${message.rowCount} rows`);
    }
    return new Batch(schema, columns, message.rowCount, deleted.includes(true) ? deleted : [], position, snapshot);
  }

  *[Symbol.iterator](): IterableIterator<Row<T>> {
    for (let i = 0; i < this.size; i++) {
      yield new Row(this, i);
    }
  }

  /** The first rows. */
  head(count: number): Batch<T> {
    if (count >= this.size) {
      return this;
    }
    const columns = this.columns.map((values) => values.slice(0, count));
    return new Batch(this.schema, columns, count, this.deleted.slice(0, count), this.position, this.snapshot);
  }

  /** The values of one column. RangeError when there is none. */
  column<K extends keyof T & string>(name: K): readonly T[K][];
  column(name: string): readonly T[keyof T][];
  column(name: string): readonly unknown[] {
    return this.columns[this.schema.place(name)]!;
  }
}
