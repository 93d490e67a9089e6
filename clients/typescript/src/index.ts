/**
 * Client of Penstock, a gRPC stream-processing service: register topologies, append, subscribe, look up.
 *
 *     import { Client, Topology, tumbling } from "@penstock/client";
 *
 * Everything public is here; `errors` has one class for each reason.
 *
 * @packageDocumentation
 */

export type { Appender } from "./appender.js";
export type { AppendOptions, RawRecord, RowInput, Rows } from "./appends.js";
export type { Restored, RestoreOptions } from "./backups.js";
export { Topology, type TopologyOptions } from "./builder.js";
export type { Bundle, ProcessorNode, RowKey, SendOptions } from "./bundle.js";
export { Client, type Raw } from "./client.js";
export type { Binding, Columns, FunctionOptions } from "./declare.js";
export * as errors from "./errors.js";
export { ClosedError, type ExpressionPlace, PenstockError, type RowError, type StatusCode, UnreachableError } from "./errors.js";
export type { CaughtUp, Ended, Event, FellBehind, Progress, Reconnecting, SchemaChanged } from "./events.js";
export type { BatchFunction, FunctionHandler, RowFunction } from "./functions.js";
export type { Fold, Grouped } from "./grouped.js";
export type { LookupOptions, ScanOptions, WindowBounds } from "./lookups.js";
export type {
  Appended,
  Cluster,
  ClusterNode,
  FunctionDescription,
  NodeChange,
  Relation,
  Replay,
  Task,
  Topic,
  TopologyInfo,
  TopologyUpdate,
} from "./model.js";
export type { Named, Output, Projected, SinkOptions } from "./nodes.js";
export type { Definition, RegisterOptions, UpdateOptions } from "./operations.js";
export { type CallOptions, type ClientOptions, DEFAULT_ADDRESS, type TlsOptions, type Token } from "./options.js";
export type { AtLeast, Freshness, Instant, Span, Start, TopicOffset } from "./position.js";
export { BadRows, type BundleHandler, type Handler, RetryBundle, type RowContext, type RowHandler, type TimerHandler } from "./processing.js";
export type { RetryOptions } from "./retry.js";
export type { Batch, Fields, Row, RowSchema } from "./row.js";
export type { Scan } from "./scan.js";
export type { ExecuteOptions, QueryOptions, SqlResult, SqlSession } from "./sql.js";
export type { SubscribeOptions } from "./subscribing.js";
export type { Subscription } from "./subscription.js";
export type { Column, Kind, Role, SqlType } from "./types.js";
export type { Key, Parameters, Value } from "./values.js";
export type { SourceOptions, TimeColumn } from "./sources.js";
export type { Processed, RemoteOptions, Stream } from "./stream.js";
export type { GlobalTable, Join, Table } from "./table.js";
export type { ChangedTimer, Clock, Timer } from "./timers.js";
export { tokenFile } from "./token.js";
export { trial, type TrialOptions } from "./trial.js";
export { hopping, session, sliding, tumbling, type Window, type WindowOptions } from "./windows.js";
export { Worker, type WorkerOptions } from "./worker.js";
