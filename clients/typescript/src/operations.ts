/** Every unary call of topologies, catalog and cluster as a value. A repeat of those marked idempotent changes nothing. */

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { Topology } from "./builder.js";
import type { Operation } from "./connection.js";
import { CatalogService, type RemoteFunctionSchema } from "./gen/penstock/v1/catalog_service_pb.js";
import { ClusterService } from "./gen/penstock/v1/cluster_service_pb.js";
import type { PositionToken } from "./gen/penstock/v1/position_pb.js";
import type { RelationSchema } from "./gen/penstock/v1/relation_pb.js";
import type { Topology as TopologyMessage } from "./gen/penstock/v1/topology_pb.js";
import { type RegisteredTopology, TopologyService } from "./gen/penstock/v1/topology_service_pb.js";
import * as model from "./model.js";
import { duration, type Start, startPosition } from "./position.js";

/** What is registered: a builder's topology, or the message itself. */
export type Definition = Topology | TopologyMessage;

/** How a topology is registered. */
export interface RegisterOptions {
  /** Check and plan, and create nothing. */
  validateOnly?: boolean;
  /** Milliseconds to wait until it runs; without it the answer comes at once. */
  waitMs?: number;
}

/** How a topology is updated. */
export interface UpdateOptions extends RegisterOptions {
  /** Accept that state is computed anew. */
  allowRebuild?: boolean;
  /** Accept that state, published relations and records on their way are given up. */
  allowDrop?: boolean;
  /** Compute added aggregate columns from the beginning, which is a rebuild. */
  rebuildAddedColumns?: boolean;
  /** Must be the present one. */
  etag?: string;
}

const PAGE = 1000;

function definitionOf(definition: Definition): TopologyMessage {
  return definition instanceof Topology ? definition.message() : definition;
}

function waiting(waitMs: number | undefined) {
  return waitMs === undefined ? {} : { wait: duration(waitMs) };
}

function registered(response: { topology?: RegisteredTopology; position?: PositionToken }): model.TopologyInfo {
  return model.topologyOf(response.topology, response.position?.value);
}

function positionOf({ position }: { position?: PositionToken }): string {
  return position?.value ?? "";
}

/** Gives an operation the types of its method. */
function operation<I extends DescMessage, O extends DescMessage, T>(of: Operation<I, O, T>): Operation<I, O, T> {
  return of;
}

/** RegisterTopology. */
export function register(definition: Definition, { validateOnly = false, waitMs }: RegisterOptions) {
  return operation({
    method: TopologyService.method.registerTopology,
    request: { topology: definitionOf(definition), validateOnly, ...waiting(waitMs) },
    read: (r) => model.topologyOf(r.topology, positionOf(r), r.warnings),
    idempotent: true,
    extraMs: waitMs ?? 0,
  });
}

/** UpdateTopology. */
export function update(definition: Definition, options: UpdateOptions) {
  const { validateOnly = false, allowRebuild = false, allowDrop = false, rebuildAddedColumns = false, etag = "", waitMs } = options;
  const topology = definitionOf(definition);
  return operation({
    method: TopologyService.method.updateTopology,
    request: { topology, validateOnly, allowRebuild, allowDrop, rebuildAddedColumns, etag, ...waiting(waitMs) },
    read: (r): model.TopologyUpdate => ({ topology: registered(r), changes: r.changes.map(model.nodeChangeOf) }),
    idempotent: true,
    extraMs: waitMs ?? 0,
  });
}

/** GetTopology. */
export function getTopology(name: string) {
  return operation({
    method: TopologyService.method.getTopology,
    request: { name },
    read: (r) => model.topologyOf(r.topology),
    idempotent: true,
  });
}

/** One page of ListTopologies and the token of the next. */
export function listTopologies(pageToken: string) {
  return operation({
    method: TopologyService.method.listTopologies,
    request: { pageSize: PAGE, pageToken },
    read: (r) => ({ items: r.topologies.map((t) => model.topologyOf(t)), next: r.nextPageToken }),
    idempotent: true,
  });
}

/** DeleteTopology; the position. */
export function deleteTopology(name: string, { etag = "", deleteTopics = false }: { etag?: string; deleteTopics?: boolean }) {
  return operation({ method: TopologyService.method.deleteTopology, request: { name, etag, deleteTopics }, read: positionOf });
}

/** PauseTopology. */
export function pauseTopology(name: string) {
  return operation({ method: TopologyService.method.pauseTopology, request: { name }, read: registered, idempotent: true });
}

/** ResumeTopology. */
export function resumeTopology(name: string) {
  return operation({ method: TopologyService.method.resumeTopology, request: { name }, read: registered, idempotent: true });
}

/** ResetTopology. */
export function resetTopology(name: string, { etag = "", start }: { etag?: string; start?: Start }) {
  const position = startPosition(start);
  return operation({
    method: TopologyService.method.resetTopology,
    request: { name, etag, ...(position === undefined ? {} : { start: position }) },
    read: registered,
  });
}

/** ReplayDeadLetters. */
export function replayDeadLetters(topology: string, options: { where?: string; reason?: string; validateOnly?: boolean }) {
  const { where = "", reason = "", validateOnly = false } = options;
  return operation({
    method: TopologyService.method.replayDeadLetters,
    request: { topology, where, reason, validateOnly },
    read: model.replayOf,
    idempotent: true,
  });
}

/** ExplainTopology; the text. */
export function explain(target: string | Definition, { source = false }: { source?: boolean }) {
  return operation({
    method: TopologyService.method.explainTopology,
    request: {
      target: typeof target === "string" ? { case: "name", value: target } : { case: "topology", value: definitionOf(target) },
      source,
    },
    read: (r) => r.text,
    idempotent: true,
  });
}

/** CreateRelation. */
export function createRelation(relation: MessageInitShape<typeof RelationSchema>, { validateOnly = false }: { validateOnly?: boolean }) {
  return operation({
    method: CatalogService.method.createRelation,
    request: { relation, validateOnly },
    read: (r) => model.relationOf(r.relation, positionOf(r)),
    idempotent: true,
  });
}

/** GetRelation. */
export function getRelation(name: string) {
  return operation({
    method: CatalogService.method.getRelation,
    request: { name },
    read: (r) => model.relationOf(r.relation),
    idempotent: true,
  });
}

/** One page of ListRelations and the token of the next. */
export function listRelations(includeNodes: boolean, pageToken: string) {
  return operation({
    method: CatalogService.method.listRelations,
    request: { pageSize: PAGE, pageToken, includeNodes },
    read: (r) => ({ items: r.relations.map((one) => model.relationOf(one)), next: r.nextPageToken }),
    idempotent: true,
  });
}

/** DropRelation; the position. */
export function dropRelation(name: string, { etag = "", deleteTopic = false }: { etag?: string; deleteTopic?: boolean }) {
  return operation({ method: CatalogService.method.dropRelation, request: { name, etag, deleteTopic }, read: positionOf });
}

/** ListTopics. */
export function listTopics({ includeInternal = false }: { includeInternal?: boolean }) {
  return operation({
    method: CatalogService.method.listTopics,
    request: { includeInternal },
    read: (r) => r.topics.map(model.topicOf),
    idempotent: true,
  });
}

/** ListFunctions. */
export function listFunctions() {
  return operation({
    method: CatalogService.method.listFunctions,
    request: {},
    read: (r) => r.functions.map(model.functionOf),
    idempotent: true,
  });
}

/** GetFunction. */
export function getFunction(name: string) {
  return operation({
    method: CatalogService.method.getFunction,
    request: { name },
    read: (r) => model.functionOf(r.function),
    idempotent: true,
  });
}

/** CreateFunction. */
export function createFunction(declared: MessageInitShape<typeof RemoteFunctionSchema>) {
  return operation({
    method: CatalogService.method.createFunction,
    request: { function: declared },
    read: (r) => model.functionOf(r.function),
    idempotent: true,
  });
}

/** DropFunction. */
export function dropFunction(name: string) {
  return operation({ method: CatalogService.method.dropFunction, request: { name }, read: positionOf });
}

/** DescribeCluster. */
export function describeCluster() {
  return operation({ method: ClusterService.method.describeCluster, request: {}, read: model.clusterOf, idempotent: true });
}

/** ListTasks. */
export function listTasks(topology: string) {
  return operation({
    method: ClusterService.method.listTasks,
    request: { topology },
    read: (r) => r.tasks.map(model.taskOf),
    idempotent: true,
  });
}

/** DrainNode. A repeat finds the node draining, or gone. */
export function drainNode(node: string) {
  return operation({ method: ClusterService.method.drainNode, request: { node }, read: () => undefined, idempotent: true });
}
