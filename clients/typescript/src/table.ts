/** Tables in a topology. */

import { JoinKind, WhenFull } from "./gen/penstock/v1/topology_pb.js";
import { Grouped } from "./grouped.js";
import { type Named, Output, type Projected, projections, Rows } from "./nodes.js";
import { duration, type Span } from "./position.js";
import { Stream } from "./stream.js";

/** Which unmatched rows a join keeps. Default INNER. */
export interface Join {
  kind?: "INNER" | "LEFT" | "RIGHT" | "FULL";
}

/** A table that every worker has whole; streams join it with joinGlobal. */
export class GlobalTable extends Output {}

/** A table in a topology. Materialised ones can be looked up as `topology.node`. */
export class Table extends Rows<Table> {
  protected override same(ref: string): Table {
    return new Table(this.topology, ref);
  }

  /** Group by expressions, or by the present key without any. */
  groupBy(...keys: readonly Projected[]): Grouped {
    return this.groupByAs({}, ...keys);
  }

  /** As groupBy, of a node with a name. */
  groupByAs(options: Named, ...keys: readonly Projected[]): Grouped {
    return new Grouped(this.topology, this.then(options, "group_by", { case: "groupBy", value: { keys: projections(keys) } }));
  }

  /**
   * Join rows of the same key, or each row with the other table's row that the expression `foreignKey` names; `kind` says which unmatched
   * rows stay.
   */
  join(other: Table, options: Named & Join & { foreignKey?: string; columns?: readonly Projected[] } = {}): Table {
    const { kind = "INNER", foreignKey = "", columns = [] } = options;
    const value = { kind: JoinKind[kind], foreignKey, columns: projections(columns) };
    return this.same(this.then(options, "join", { case: "tableTableJoin", value }, other));
  }

  /** As join with kind LEFT. */
  leftJoin(other: Table, options: Named & { foreignKey?: string; columns?: readonly Projected[] } = {}): Table {
    return this.join(other, { ...options, kind: "LEFT" });
  }

  /** As join with kind RIGHT. */
  rightJoin(other: Table, options: Named & { columns?: readonly Projected[] } = {}): Table {
    return this.join(other, { ...options, kind: "RIGHT" });
  }

  /** As join with kind FULL. */
  fullJoin(other: Table, options: Named & { columns?: readonly Projected[] } = {}): Table {
    return this.join(other, { ...options, kind: "FULL" });
  }

  /**
   * Hold back updates, so that of each key the newest leaves: until the window closes, or for a time in the time of the rows. Bounds of 0 are
   * none; over one the longest waiting leaves early, or with whenFull "STOP" the task fails.
   */
  suppress(
    until: "window_close" | Span,
    options: Named & { maxRecords?: number; maxBytes?: number; whenFull?: "EMIT_EARLY" | "STOP" } = {},
  ): Table {
    const { maxRecords = 0, maxBytes = 0, whenFull } = options;
    const wait =
      until === "window_close"
        ? { case: "windowCloses" as const, value: true }
        : { case: "timeLimit" as const, value: duration(until) };
    const value = { until: wait, maxRecords: BigInt(maxRecords), maxBytes: BigInt(maxBytes), ...(whenFull === undefined ? {} : { whenFull: WhenFull[whenFull] }) };
    return this.same(this.then(options, "suppress", { case: "suppress", value }));
  }

  /** Read the changes as records. */
  toStream(options: Named = {}): Stream {
    return new Stream(this.topology, this.then(options, "to_stream", { case: "toStream", value: {} }));
  }
}

