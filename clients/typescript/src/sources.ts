/** Where a topology's sources read. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Binding, bindingMessage, type Columns, schemaMessage } from "./declare.js";
import { type InlineRelationSchema, OnBadTime, type OriginSchema } from "./gen/penstock/v1/topology_pb.js";
import type { Named } from "./nodes.js";
import { type Start, startPosition } from "./position.js";
import type { Window } from "./windows.js";

/** ROWTIME from a column. `format`: java.time pattern of a STRING. */
export interface TimeColumn {
  column: string;
  format?: string;
  onBadTime?: "BAD_RECORD" | "SKIP" | "RECORD_TIME";
}

/** What a source reads beside a relation of the catalog. */
export interface SourceOptions extends Named {
  /** Declares the relation here, published under the node's name. */
  columns?: Columns;
  binding?: Binding;
  /** How the keys of the topic of what is declared are windowed, such as `tumbling({ minutes: 1 })`. */
  window?: Window;
  /** `earliest` (default), `latest`, a token or a time; what that is in the log is settled when the topology is registered. */
  start?: Start;
  time?: string | TimeColumn;
}

/** The origin of a relation of the catalog, or of one that is declared here. */
export function originOf(relation: string, options: SourceOptions): MessageInitShape<typeof OriginSchema> {
  const { columns, binding, window, start } = options;
  if (columns === undefined) {
    if (binding !== undefined || window !== undefined) {
      throw new TypeError("a binding and a window are for a relation that is declared here: give columns too");
    }
    return { origin: { case: "relation", value: relation }, ...startOf(start) };
  }
  return { origin: { case: "inline", value: inline(columns, binding ?? { topic: relation }, window) }, ...startOf(start) };
}

/** A declaration inside a topology. */
export function inline(columns: Columns, binding: Binding | undefined, window: Window | undefined) {
  const { kind, size, advance } = window ?? {};
  return {
    schema: schemaMessage(columns),
    ...(binding === undefined ? {} : { topic: bindingMessage(binding) }),
    ...(window === undefined ? {} : { window: { kind, ...(size === undefined ? {} : { size }), ...(advance === undefined ? {} : { advance }) } }),
  } satisfies MessageInitShape<typeof InlineRelationSchema>;
}

/** Where to begin, as fields of a message. */
export function startOf(start: Start | undefined) {
  const position = startPosition(start);
  return position === undefined ? {} : { start: position };
}

/** The column of ROWTIME, as fields of a message. */
export function timeOf(time: string | TimeColumn | undefined) {
  if (time === undefined) {
    return {};
  }
  const { column, format = "", onBadTime } = typeof time === "string" ? ({ column: time } as TimeColumn) : time;
  return { time: { column, format, onBadTime: onBadTime === undefined ? OnBadTime.UNSPECIFIED : OnBadTime[onBadTime] } };
}

