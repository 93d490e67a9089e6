/** What the service knows, as values: relations, topologies, tasks, functions. Made from responses, never sent. */

import { durationMs, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { RowError } from "./error.js";
import type { AppendAck } from "./gen/penstock/v1/append_service_pb.js";
import { type FunctionInfo, FunctionKind, type TopicInfo } from "./gen/penstock/v1/catalog_service_pb.js";
import { type DescribeClusterResponse, NodeState, type Task as TaskMessage, TaskState } from "./gen/penstock/v1/cluster_service_pb.js";
import { type Relation as RelationMessage, RelationKind } from "./gen/penstock/v1/relation_pb.js";
import type { Topology as TopologyMessage } from "./gen/penstock/v1/topology_pb.js";
import {
  type NodeChange as NodeChangeMessage,
  type RegisteredTopology,
  type ReplayDeadLettersResponse,
  StateEffect,
  TopologyState,
} from "./gen/penstock/v1/topology_service_pb.js";
import { type Column, columnsOf } from "./types.js";

/** A stream or a table. */
export interface Relation {
  readonly name: string;
  readonly kind: "STREAM" | "TABLE";
  /** All columns, key columns first. */
  readonly columns: readonly Column[];
  /** The key columns in order. */
  readonly key: readonly Column[];
  /** Empty for a node without one. */
  readonly topic: string;
  readonly keyFormat: string;
  readonly valueFormat: string;
  /** Whether it is a windowed table. */
  readonly windowed: boolean;
  /** Undefined without windows. */
  readonly windowSizeMs: number | undefined;
  /** The topology that publishes it; empty for a declared one. */
  readonly ownerTopology: string;
  readonly writerTopologies: readonly string[];
  readonly readerTopologies: readonly string[];
  /** Whether appends are refused. */
  readonly readOnly: boolean;
  /** Whether lookups are answered. */
  readonly lookup: boolean;
  readonly etag: string;
  /** Token that makes a later call see it, from createRelation; empty otherwise. */
  readonly position: string;
}

/** A registered topology. */
export interface TopologyInfo {
  readonly name: string;
  readonly state: "STARTING" | "RUNNING" | "PAUSED" | "FAILED" | string;
  readonly stateReason: string;
  readonly version: bigint;
  readonly etag: string;
  readonly registerTime: Date | undefined;
  readonly relations: readonly string[];
  readonly definition: TopologyMessage | undefined;
  /** Token that makes a later call see the change; empty from topology() and topologies(). */
  readonly position: string;
  readonly warnings: readonly string[];
}

/** What an update does to a node. `needsLeave`: something is lost or computed anew. */
export interface NodeChange {
  readonly node: string;
  readonly effect: "KEPT" | "ADDED" | "REBUILT" | "DROPPED" | string;
  readonly reason: string;
  readonly needsLeave: boolean;
}

/** What is registered now, and what became (for a check: would become) of each node. */
export interface TopologyUpdate {
  readonly topology: TopologyInfo;
  readonly changes: readonly NodeChange[];
}

/** What became of dead letters. `impossible`: those without a record that could be processed again. */
export interface Replay {
  readonly replayed: number;
  readonly replayedBefore: number;
  readonly impossible: number;
}

/** One partition of one sub-topology. */
export interface Task {
  readonly topology: string;
  readonly subTopology: string;
  readonly partition: number;
  /** UNSPECIFIED before its worker has reported. */
  readonly state: "UNSPECIFIED" | "OPENING" | "RESTORING" | "RUNNING" | "PAUSED" | "FAILED" | "CLOSED" | "STUCK" | string;
  readonly stateReason: string;
  readonly worker: string;
  /** The node that has it. */
  readonly node: string;
  /** Nodes that have copies of its state. */
  readonly standbyNodes: readonly string[];
  /** Records of its inputs that it has not committed yet. */
  readonly lag: number;
  /** 0 to 1 while RESTORING. */
  readonly restoreProgress: number | undefined;
  readonly updateTime: Date | undefined;
}

/** One node: a gateway and its workers. */
export interface ClusterNode {
  readonly id: string;
  readonly address: string;
  readonly version: string;
  readonly startTime: Date | undefined;
  readonly workers: readonly string[];
  readonly state: "SERVING" | "DRAINING" | "SILENT" | string;
  /** Where it stands; standbys go to other racks. */
  readonly rack: string;
  /** When it was last heard of. */
  readonly heardTime: Date | undefined;
}

/** The service. */
export interface Cluster {
  readonly serviceId: string;
  readonly log: "embedded" | "kafka" | string;
  readonly logAvailable: boolean;
  readonly nodes: readonly ClusterNode[];
  readonly topologies: number;
  readonly relations: number;
}

/** A topic of the log. */
export interface Topic {
  readonly name: string;
  readonly partitions: number;
  readonly relations: readonly string[];
}

/** A function of expressions. */
export interface FunctionDescription {
  readonly name: string;
  readonly kind: "SCALAR" | "AGGREGATE" | "TABLE" | string;
  readonly signatures: readonly string[];
  readonly description: string;
}

/** What became of a batch. */
export interface Appended {
  /** Includes every row of it. */
  readonly position: string;
  readonly appended: number;
  /** Whether an earlier call had written it. */
  readonly duplicate: boolean;
  /** The rows that were skipped. */
  readonly rowErrors: readonly RowError[];
}

/** From its message. */
export function relationOf(message: RelationMessage | undefined, position = ""): Relation {
  const columns = columnsOf(message?.schema);
  const topic = message?.topic;
  return {
    name: message?.name ?? "",
    kind: message?.kind === RelationKind.TABLE ? "TABLE" : "STREAM",
    columns,
    key: columns.filter(({ role }) => role === "KEY"),
    topic: topic?.topic ?? "",
    keyFormat: topic?.keyFormat?.name ?? "",
    valueFormat: topic?.valueFormat?.name ?? "",
    windowed: message?.window !== undefined,
    windowSizeMs: message?.window?.size === undefined ? undefined : durationMs(message.window.size),
    ownerTopology: message?.ownerTopology ?? "",
    writerTopologies: message?.writerTopologies ?? [],
    readerTopologies: message?.readerTopologies ?? [],
    readOnly: message?.readOnly ?? false,
    lookup: message?.lookup ?? false,
    etag: message?.etag ?? "",
    position,
  };
}

/** From its message. */
export function topologyOf(message: RegisteredTopology | undefined, position = "", warnings: readonly string[] = []): TopologyInfo {
  return {
    name: message?.topology?.name ?? "",
    state: TopologyState[message?.state ?? 0] ?? "UNSPECIFIED",
    stateReason: message?.stateReason ?? "",
    version: message?.version ?? 0n,
    etag: message?.etag ?? "",
    registerTime: dateOf(message?.registerTime),
    relations: message?.relations ?? [],
    definition: message?.topology,
    position,
    warnings,
  };
}

/** From its message. */
export function nodeChangeOf({ node, effect, reason, needsLeave }: NodeChangeMessage): NodeChange {
  return { node, effect: StateEffect[effect] ?? "UNSPECIFIED", reason, needsLeave };
}

/** From its message. */
export function replayOf(message: ReplayDeadLettersResponse): Replay {
  const { replayed, replayedBefore, impossible } = message;
  return { replayed: Number(replayed), replayedBefore: Number(replayedBefore), impossible: Number(impossible) };
}

/** From its message. */
export function taskOf(message: TaskMessage): Task {
  const { topology, subTopology, partition, stateReason, worker, node, standbyNodes, restoreProgress } = message;
  const state = TaskState[message.state] ?? "UNSPECIFIED";
  return {
    topology,
    subTopology,
    partition,
    state,
    stateReason,
    worker,
    node,
    standbyNodes,
    lag: Number(message.lag),
    restoreProgress,
    updateTime: dateOf(message.updateTime),
  };
}

/** From its message. */
export function clusterOf(message: DescribeClusterResponse): Cluster {
  const nodes = message.nodes.map(({ id, address, version, startTime, workers, state, rack, heardTime }) => ({
    id,
    address,
    version,
    startTime: dateOf(startTime),
    workers,
    state: NodeState[state] ?? "UNSPECIFIED",
    rack,
    heardTime: dateOf(heardTime),
  }));
  const { serviceId, log, logAvailable, topologies, relations } = message;
  return { serviceId, log, logAvailable, nodes, topologies, relations };
}

/** From its message. */
export function topicOf({ name, partitions, relations }: TopicInfo): Topic {
  return { name, partitions, relations };
}

/** From its message. */
export function functionOf(message: FunctionInfo | undefined): FunctionDescription {
  const kind = FunctionKind[message?.kind ?? 0] ?? "UNSPECIFIED";
  return { name: message?.name ?? "", kind, signatures: message?.signatures ?? [], description: message?.description ?? "" };
}

/** From its message and the refused rows of it. */
export function appendedOf(message: AppendAck, rowErrors: readonly RowError[]): Appended {
  return { position: message.position?.value ?? "", appended: message.appended, duplicate: message.duplicate, rowErrors };
}

function dateOf(stamp: Timestamp | undefined): Date | undefined {
  return stamp === undefined ? undefined : new Date(timestampMs(stamp));
}
