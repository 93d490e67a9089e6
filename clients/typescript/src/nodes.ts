/** The outputs of a topology's nodes, by which further nodes are added: what streams and tables have in common. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Topology } from "./builder.js";
import { type Binding, bindingMessage } from "./declare.js";
import type { NodeSchema, ProjectionSchema } from "./gen/penstock/v1/topology_pb.js";
import { duration, type Span } from "./position.js";

/** An expression under the name that the service gives it, or expressions by the names of their columns. */
export type Projected = string | Readonly<Record<string, string>>;

/** The name of a node, by which its state is kept. */
export interface Named {
  name?: string;
}

/** How a sink writes. */
export interface SinkOptions extends Named {
  binding?: Binding;
  /** Headers to add: name to STRING or BYTES expression. */
  headers?: Readonly<Record<string, string>>;
  /** Leave out the headers of the record that caused the row. */
  dropHeaders?: boolean;
  /** Write into a stream that exists, beside its owner. */
  insert?: boolean;
}

/** A node as a message. */
export type NodeInit = MessageInitShape<typeof NodeSchema>;

/** What a node does, as a message. */
export type Operator = NonNullable<NodeInit["operator"]>;

/** The output of a node, by which the next one reads it. */
export class Output {
  /** @internal */
  constructor(
    protected readonly topology: Topology,
    /** The node's name, or `node.output` for an output of a branch or a processor. */
    readonly ref: string,
  ) {}

  protected then({ name }: Named, kind: string, operator: Operator, ...others: readonly Output[]): string {
    return this.topology.add(name, kind, [this.ref, ...others.map(({ ref }) => ref)], operator);
  }
}

/** What streams and tables have in common. */
export abstract class Rows<Self> extends Output {
  protected abstract same(ref: string): Self;

  /** Keep the rows for which `where` is true; a table's row that stops matching is deleted. */
  filter(where: string, options: Named = {}): Self {
    return this.same(this.then(options, "filter", { case: "filter", value: { where } }));
  }

  /** Keep the rows for which `where` is false or null. */
  filterNot(where: string, options: Named = {}): Self {
    return this.same(this.then(options, "filter", { case: "filter", value: { where, negate: true } }));
  }

  /** Compute the value columns: expressions as they are, and by the names of their columns. `*` stands for all. */
  select(...columns: readonly Projected[]): Self {
    return this.selectAs({}, ...columns);
  }

  /** As select, of a node with a name. */
  selectAs(options: Named, ...columns: readonly Projected[]): Self {
    return this.same(this.then(options, "select", { case: "select", value: { columns: projections(columns) } }));
  }

  /** Write to a topic and publish it under this name. */
  to(relation: string, options: SinkOptions = {}): void {
    this.then(options, `${nodeName(relation)}_sink`, { case: "sink", value: { relation, ...sinkOf(options) } });
  }

  /**
   * Write each row to the topic that an expression names. A binding without a topic says the formats; topics that are missing are made
   * unless its `create` is false; without a binding they must exist, else the row is a dead letter.
   */
  toTopics(topicExpression: string, options: SinkOptions = {}): void {
    this.then(options, "topics_sink", { case: "sink", value: { topicExpression, ...sinkOf(options) } });
  }
}

/** Expressions as they are and those with a name, in the order given. */
export function projections(columns: readonly Projected[]): MessageInitShape<typeof ProjectionSchema>[] {
  return columns.flatMap((one) =>
    typeof one === "string" ? [{ expression: one }] : Object.entries(one).map(([alias, expression]) => ({ expression, alias })),
  );
}

/** Times that may be left out, as fields of a message. */
export function historyOf(history: Span | undefined) {
  return history === undefined ? {} : { history: duration(history) };
}

export function graceOf(grace: Span | undefined) {
  return grace === undefined ? {} : { grace: duration(grace) };
}

/** What a sink has beside its relation, as fields of a message. */
function sinkOf({ binding, headers = {}, dropHeaders = false, insert = false }: SinkOptions) {
  return {
    dropHeaders,
    insert,
    headers: projections([headers]),
    ...(binding === undefined ? {} : { topic: bindingMessage(binding) }),
  };
}

/** A relation's name as a node's: `topology.node` has a point, which node names do not. */
export function nodeName(relation: string): string {
  return relation.replaceAll(".", "_") || "source";
}
