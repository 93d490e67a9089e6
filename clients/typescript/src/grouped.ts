/** Grouped rows and their aggregates. */

import type { Topology } from "./builder.js";
import { Emit } from "./gen/penstock/v1/topology_pb.js";
import { type Named, type Projected, projections } from "./nodes.js";
import { Table } from "./table.js";
import type { Window } from "./windows.js";

/**
 * A column that expressions fold. They name the group's columns `acc.x`, the row's `row.x` and, where two sessions become one, the other
 * session's `other.x`.
 */
export interface Fold {
  /** The value without rows, an expression without columns; empty: the group's first row gives it as it is. */
  init: string;
  /** The value with one more row. In a cogroup one for each stream in their order; an empty one leaves the value. */
  add: string | readonly string[];
  /** The value without a row, needed for tables. */
  undo?: string;
  /** The value of two sessions, needed for session windows. */
  merge?: string;
}

/** Grouped rows, waiting for their aggregate. */
export class Grouped {
  /** @internal */
  constructor(
    private readonly topology: Topology,
    private readonly ref: string,
    private readonly cut?: Window,
  ) {}

  /** Cut time, such as `tumbling({ minutes: 1 })`. */
  window(window: Window): Grouped {
    return new Grouped(this.topology, this.ref, window);
  }

  /**
   * Fold each group: aggregate expressions by the names of their columns, such as `{ total: "SUM(price)" }`, and behind them columns that
   * expressions fold. `emit`: CHANGES, or FINAL for windows that leave once, when they are closed.
   */
  aggregate(
    columns: Projected | readonly Projected[],
    options: Named & { folds?: Readonly<Record<string, Fold>>; emit?: "CHANGES" | "FINAL" } = {},
  ): Table {
    const listed = Array.isArray(columns) ? (columns as readonly Projected[]) : [columns as Projected];
    return this.#fold("aggregate", [], listed, options);
  }

  /**
   * Fold each group into one row of the columns named: it begins with the first row as it is, and each later one gives it by expressions over
   * `acc.column` and `row.column`. `undo`: for tables, how a row is taken out again.
   */
  reduce(
    columns: Readonly<Record<string, string>>,
    options: Named & { undo?: Readonly<Record<string, string>>; emit?: "CHANGES" | "FINAL" } = {},
  ): Table {
    const folds = Object.entries(columns).map(([name, add]) => [name, { init: "", add, undo: options.undo?.[name] ?? "" }]);
    return this.#fold("aggregate", [], [], { ...options, folds: Object.fromEntries(folds) });
  }

  /** Fold the rows of several grouped streams into one table: each column has an add for every stream in order. The window is this one's. */
  cogroup(others: readonly Grouped[], folds: Readonly<Record<string, Fold>>, options: Named = {}): Table {
    return this.#fold("cogroup", others, [], { ...options, folds });
  }

  /** Count the rows of each group. */
  count(alias = "COUNT", options: Named & { emit?: "CHANGES" | "FINAL" } = {}): Table {
    return this.aggregate({ [alias]: "COUNT(*)" }, options);
  }

  #fold(
    kind: string,
    others: readonly Grouped[],
    columns: readonly Projected[],
    options: Named & { folds?: Readonly<Record<string, Fold>>; emit?: "CHANGES" | "FINAL" },
  ): Table {
    const { folds = {}, emit, name } = options;
    const accumulators = Object.entries(folds).map(([alias, { init, add, undo = "", merge = "" }]) => ({
      name: alias,
      init,
      add: typeof add === "string" ? [add] : [...add],
      undo,
      merge,
    }));
    const value = {
      columns: projections(columns),
      accumulators,
      ...(this.cut === undefined ? {} : { window: this.cut }),
      ...(emit === undefined ? {} : { emit: Emit[emit] }),
    };
    const inputs = [this.ref, ...others.map(({ ref }) => ref)];
    return new Table(this.topology, this.topology.add(name, kind, inputs, { case: "aggregate", value }));
  }
}

