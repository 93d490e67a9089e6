/** Windows of aggregates. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { WindowKind } from "./gen/penstock/v1/relation_pb.js";
import type { WindowSchema } from "./gen/penstock/v1/topology_pb.js";
import { duration, type Span } from "./position.js";

/** Cuts time for an aggregate. */
export type Window = MessageInitShape<typeof WindowSchema>;

/** `grace`: how late a record may be. `retention`: how long a window can be looked up. */
export interface WindowOptions {
  grace?: Span;
  retention?: Span;
}

function kept({ grace, retention }: WindowOptions): Window {
  return {
    ...(grace === undefined ? {} : { grace: duration(grace) }),
    ...(retention === undefined ? {} : { retention: duration(retention) }),
  };
}

/** Windows of fixed size without gaps, such as `tumbling({ minutes: 1 })`. */
export function tumbling(size: Span, options: WindowOptions = {}): Window {
  return { kind: WindowKind.TUMBLING, size: duration(size), ...kept(options) };
}

/** Windows of fixed size that begin at every multiple of the advance: a record lies in several. */
export function hopping(size: Span, advance: Span, options: WindowOptions = {}): Window {
  return { kind: WindowKind.HOPPING, size: duration(size), advance: duration(advance), ...kept(options) };
}

/** Windows of records that are no further apart than the size; both ends belong to them. */
export function sliding(size: Span, options: WindowOptions = {}): Window {
  return { kind: WindowKind.SLIDING, size: duration(size), ...kept(options) };
}

/** Windows of records that follow each other within the gap. */
export function session(gap: Span, options: WindowOptions = {}): Window {
  return { kind: WindowKind.SESSION, gap: duration(gap), ...kept(options) };
}
