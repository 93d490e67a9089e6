/** One class of errors for each ErrorReason. Generated from proto/penstock/v1/errors.proto by `make proto`; not for editing. */

import { type ErrorClass, PenstockError } from "../error.js";

/**
 * NOT_FOUND; metadata relation, node, candidates (names that are close, by comma). No such stream or table: check the name, or pass
 * the position of its creation as at_least.
 */
export class UnknownRelationError extends PenstockError {
  static override readonly reason = "UNKNOWN_RELATION";
}

/**
 * DEADLINE_EXCEEDED; metadata relation, waited_ms. The positions of at_least were not included in time: call again, the wait goes on
 * where it was.
 */
export class PositionNotReachedError extends PenstockError {
  static override readonly reason = "POSITION_NOT_REACHED";
}

/**
 * OUT_OF_RANGE; metadata relation, earliest (a token, when there is one). What follows the position is no longer kept: start anew
 * with a snapshot, or from earliest.
 */
export class PositionExpiredError extends PenstockError {
  static override readonly reason = "POSITION_EXPIRED";
}

/**
 * NOT_FOUND; metadata topology, candidates. No such topology: check the name.
 */
export class UnknownTopologyError extends PenstockError {
  static override readonly reason = "UNKNOWN_TOPOLOGY";
}

/**
 * NOT_FOUND; metadata topic. A topic that the call names does not exist: check the name.
 */
export class UnknownTopicError extends PenstockError {
  static override readonly reason = "UNKNOWN_TOPIC";
}

/**
 * FAILED_PRECONDITION; metadata relation, topic, node. The topic of a declaration does not exist: create it, or give `topic.create`.
 */
export class MissingTopicError extends PenstockError {
  static override readonly reason = "MISSING_TOPIC";
}

/**
 * INVALID_ARGUMENT; metadata column, relation, node, candidates. An expression, a key or a row names a column that is not there:
 * check the name.
 */
export class UnknownColumnError extends PenstockError {
  static override readonly reason = "UNKNOWN_COLUMN";
}

/**
 * INVALID_ARGUMENT in an expression, NOT_FOUND from GetFunction and DropFunction; metadata function, candidates, node. Check the
 * name; ListFunctions has all.
 */
export class UnknownFunctionError extends PenstockError {
  static override readonly reason = "UNKNOWN_FUNCTION";
}

/**
 * INVALID_ARGUMENT; metadata node, input, candidates. An input is no node and no output of the topology: check its spelling.
 */
export class UnknownNodeError extends PenstockError {
  static override readonly reason = "UNKNOWN_NODE";
}

/**
 * INVALID_ARGUMENT; metadata node. Two nodes have this name: rename one.
 */
export class DuplicateNodeError extends PenstockError {
  static override readonly reason = "DUPLICATE_NODE";
}

/**
 * INVALID_ARGUMENT; metadata node, path (nodes by ` -> `). The inputs form a circle: break it.
 */
export class CycleError extends PenstockError {
  static override readonly reason = "CYCLE";
}

/**
 * INVALID_ARGUMENT; metadata node, relation, topic. The definition is not valid in the way that the message says: mend it.
 */
export class InvalidTopologyError extends PenstockError {
  static override readonly reason = "INVALID_TOPOLOGY";
}

/**
 * INVALID_ARGUMENT; metadata node, and an ExpressionError detail with the place. The text is no expression: mend it.
 */
export class InvalidExpressionError extends PenstockError {
  static override readonly reason = "INVALID_EXPRESSION";
}

/**
 * INVALID_ARGUMENT; metadata node, and an ExpressionError detail when it is in an expression. Cast, or change the expression.
 */
export class TypeMismatchError extends PenstockError {
  static override readonly reason = "TYPE_MISMATCH";
}

/**
 * INVALID_ARGUMENT; metadata format, part (key or value), node. No such format, or it does not take these columns or properties:
 * choose another.
 */
export class InvalidFormatError extends PenstockError {
  static override readonly reason = "INVALID_FORMAT";
}

/**
 * INVALID_ARGUMENT; metadata relation or node, column, type, subject. A type does not parse, a name occurs twice, a table has no
 * key, or a registered schema does not take the columns: mend the columns.
 */
export class InvalidSchemaError extends PenstockError {
  static override readonly reason = "INVALID_SCHEMA";
}

/**
 * FAILED_PRECONDITION; metadata node, left, right, left_partitions, right_partitions, topic. The inputs of a join or a merge do not
 * agree in partitions or key types: put a PartitionBy before one.
 */
export class CoPartitioningError extends PenstockError {
  static override readonly reason = "CO_PARTITIONING";
}

/**
 * UNIMPLEMENTED; metadata node, relation, feature, function. This release cannot do it: leave it out.
 */
export class UnsupportedError extends PenstockError {
  static override readonly reason = "UNSUPPORTED";
}

/**
 * ALREADY_EXISTS; metadata name or relation, owner, node. A relation or topology of another definition has the name: choose another
 * name or remove the old one.
 */
export class NameTakenError extends PenstockError {
  static override readonly reason = "NAME_TAKEN";
}

/**
 * ABORTED; metadata etag (the present one). Somebody was faster: read again, decide again.
 */
export class EtagMismatchError extends PenstockError {
  static override readonly reason = "ETAG_MISMATCH";
}

/**
 * FAILED_PRECONDITION; metadata relation, readers (topologies that read or write it, by comma). Delete those first.
 */
export class RelationInUseError extends PenstockError {
  static override readonly reason = "RELATION_IN_USE";
}

/**
 * FAILED_PRECONDITION; metadata relation, owner. It is written by a topology, or is a dead letter: append to the topology's source
 * instead.
 */
export class RelationReadOnlyError extends PenstockError {
  static override readonly reason = "RELATION_READ_ONLY";
}

/**
 * FAILED_PRECONDITION; metadata relation. Lookups and snapshots need a table that is materialised: use the `topology.node` of one,
 * or subscribe.
 */
export class NotATableError extends PenstockError {
  static override readonly reason = "NOT_A_TABLE";
}

/**
 * INVALID_ARGUMENT; metadata row. A row does not fit the relation: AppendAck.row_errors has one for each; nothing of the batch was
 * written unless SKIP_ROWS.
 */
export class InvalidRowError extends PenstockError {
  static override readonly reason = "INVALID_ROW";
}

/**
 * INVALID_ARGUMENT; metadata relation, expected. The values are no key of this table: give one value of the right type for each key
 * column.
 */
export class InvalidKeyError extends PenstockError {
  static override readonly reason = "INVALID_KEY";
}

/**
 * INVALID_ARGUMENT; metadata relation, field. A bound is no prefix of a key, or the bounds are the wrong way round: mend the range.
 */
export class InvalidRangeError extends PenstockError {
  static override readonly reason = "INVALID_RANGE";
}

/**
 * INVALID_ARGUMENT; metadata field, relation, line. A field of the request is out of its limits: the message says which they are.
 */
export class InvalidArgumentError extends PenstockError {
  static override readonly reason = "INVALID_ARGUMENT";
}

/**
 * INVALID_ARGUMENT; metadata size, limit (bytes). The log takes no record of this size: make it smaller.
 */
export class RowTooLargeError extends PenstockError {
  static override readonly reason = "ROW_TOO_LARGE";
}

/**
 * RESOURCE_EXHAUSTED; metadata size, limit. Send less in one call.
 */
export class RequestTooLargeError extends PenstockError {
  static override readonly reason = "REQUEST_TOO_LARGE";
}

/**
 * FAILED_PRECONDITION; metadata producer_id, expected, actual. A batch before this one was not written: go on with the expected
 * sequence.
 */
export class SequenceGapError extends PenstockError {
  static override readonly reason = "SEQUENCE_GAP";
}

/**
 * ABORTED; metadata producer_id. A newer stream of this producer_id has been opened: stop, only one may write.
 */
export class ProducerFencedError extends PenstockError {
  static override readonly reason = "PRODUCER_FENCED";
}

/**
 * INVALID_ARGUMENT; metadata field. The text is no position token: pass on unchanged what a response gave.
 */
export class MalformedTokenError extends PenstockError {
  static override readonly reason = "MALFORMED_TOKEN";
}

/**
 * FAILED_PRECONDITION; metadata field. The token is of another log, or of a topic that was recreated: read anew.
 */
export class ForeignTokenError extends PenstockError {
  static override readonly reason = "FOREIGN_TOKEN";
}

/**
 * FAILED_PRECONDITION; metadata relation. The relation was dropped and made again, or its history rebuilt: start anew with a
 * snapshot.
 */
export class RelationReplacedError extends PenstockError {
  static override readonly reason = "RELATION_REPLACED";
}

/**
 * INVALID_ARGUMENT; metadata relation. The cursor is not of this scan or its table has changed: start the scan anew.
 */
export class InvalidCursorError extends PenstockError {
  static override readonly reason = "INVALID_CURSOR";
}

/**
 * UNAVAILABLE, with RetryInfo; metadata relation, topology, task, state, detail, and staleness_ms and max_staleness_ms when the rows
 * are older than the call accepts. The task that has the rows is opening, restoring or failed: retry, ListTasks says more.
 */
export class NotServingError extends PenstockError {
  static override readonly reason = "NOT_SERVING";
}

/**
 * UNAVAILABLE, with RetryInfo. The log (Kafka) does not answer: retry, a batch without producer_id may have been written.
 */
export class LogUnavailableError extends PenstockError {
  static override readonly reason = "LOG_UNAVAILABLE";
}

/**
 * RESOURCE_EXHAUSTED. Disk or map is full: make room, it goes on by itself.
 */
export class StateFullError extends PenstockError {
  static override readonly reason = "STATE_FULL";
}

/**
 * UNAVAILABLE, with RetryInfo. The node is stopping: retry on another or when it is back.
 */
export class DrainingError extends PenstockError {
  static override readonly reason = "DRAINING";
}

/**
 * UNAUTHENTICATED. The call carries no credentials and this listener needs them: send `authorization: Bearer TOKEN`, or a client
 * certificate where the listener asks for one.
 */
export class CredentialsMissingError extends PenstockError {
  static override readonly reason = "CREDENTIALS_MISSING";
}

/**
 * UNAUTHENTICATED. The credentials are not accepted or have expired, also in the midst of a stream: get new ones; a subscription
 * goes on from its last position.
 */
export class CredentialsInvalidError extends PenstockError {
  static override readonly reason = "CREDENTIALS_INVALID";
}

/**
 * PERMISSION_DENIED; metadata method, resource (a relation, topology or topic; `*` for what concerns all), principal, role (that it
 * takes there: reader, writer or admin). The principal may not do this: ask for the role.
 */
export class PermissionDeniedError extends PenstockError {
  static override readonly reason = "PERMISSION_DENIED";
}

/**
 * DEADLINE_EXCEEDED; metadata method. The call's own deadline passed on the server: what it began may be done; give more time.
 */
export class DeadlineExceededError extends PenstockError {
  static override readonly reason = "DEADLINE_EXCEEDED";
}

/**
 * INTERNAL; metadata id (in the service's log). A fault of the service: report it with the id.
 */
export class InternalError extends PenstockError {
  static override readonly reason = "INTERNAL";
}

/**
 * FAILED_PRECONDITION; metadata topology, state. ResetTopology needs a paused topology: pause it first.
 */
export class TopologyNotPausedError extends PenstockError {
  static override readonly reason = "TOPOLOGY_NOT_PAUSED";
}

/**
 * NOT_FOUND; metadata subject. The schema registry has no such schema, or what it has is none of the format: register it, or declare
 * the columns.
 */
export class UnknownSchemaError extends PenstockError {
  static override readonly reason = "UNKNOWN_SCHEMA";
}

/**
 * FAILED_PRECONDITION; metadata subject. The schema registry refuses a schema that does not go with earlier ones of its subject:
 * change the columns, or the subject's compatibility level.
 */
export class IncompatibleSchemaError extends PenstockError {
  static override readonly reason = "INCOMPATIBLE_SCHEMA";
}

/**
 * UNAVAILABLE, with RetryInfo. The schema registry does not answer, or none is configured: retry, or give the service its address.
 */
export class SchemaRegistryUnavailableError extends PenstockError {
  static override readonly reason = "SCHEMA_REGISTRY_UNAVAILABLE";
}

/**
 * INVALID_ARGUMENT; metadata node, processor, candidates. No plug-in of this name is installed where the call was answered: check
 * the name, install it on every node and start the nodes anew.
 */
export class UnknownProcessorError extends PenstockError {
  static override readonly reason = "UNKNOWN_PROCESSOR";
}

/**
 * FAILED_PRECONDITION; metadata node, processor. A plug-in cannot be loaded or declares what is not possible: mend it.
 */
export class PluginFailedError extends PenstockError {
  static override readonly reason = "PLUGIN_FAILED";
}

/**
 * FAILED_PRECONDITION; metadata topology, nodes (names, by comma), leave (allow_rebuild or allow_drop). The update computes these
 * nodes anew or drops them: ask validate_only what becomes of each, then give leave.
 */
export class UpdateNeedsLeaveError extends PenstockError {
  static override readonly reason = "UPDATE_NEEDS_LEAVE";
}

/**
 * NOT_FOUND; metadata query. The topology of a push query was deleted, some time after its client went: begin the query anew.
 */
export class QueryGoneError extends PenstockError {
  static override readonly reason = "QUERY_GONE";
}

/**
 * RESOURCE_EXHAUSTED; metadata limit. The node runs as many push queries with topologies of their own as it may: end one, or
 * subscribe to a registered topology.
 */
export class TooManyQueriesError extends PenstockError {
  static override readonly reason = "TOO_MANY_QUERIES";
}

/**
 * FAILED_PRECONDITION. What an ASSERT statement says was not so within its time.
 */
export class AssertionFailedError extends PenstockError {
  static override readonly reason = "ASSERTION_FAILED";
}

/**
 * NOT_FOUND; metadata node, candidates. No node of this id is in the service: DescribeCluster lists them.
 */
export class UnknownServiceNodeError extends PenstockError {
  static override readonly reason = "UNKNOWN_SERVICE_NODE";
}

/**
 * UNAVAILABLE, with RetryInfo; metadata node, address. The node does not answer: retry, DescribeCluster says when it was last heard
 * of.
 */
export class NodeUnavailableError extends PenstockError {
  static override readonly reason = "NODE_UNAVAILABLE";
}

/**
 * FAILED_PRECONDITION; metadata topologies, relations (their numbers). A backup is restored into an empty registry, or replaces what
 * is there: ask validate_only what would be forgotten, then set replace.
 */
export class RegistryNotEmptyError extends PenstockError {
  static override readonly reason = "REGISTRY_NOT_EMPTY";
}

/** The classes by the reasons' names without their prefix. */
export const BY_REASON: Readonly<Record<string, ErrorClass>> = {
  UNKNOWN_RELATION: UnknownRelationError,
  POSITION_NOT_REACHED: PositionNotReachedError,
  POSITION_EXPIRED: PositionExpiredError,
  UNKNOWN_TOPOLOGY: UnknownTopologyError,
  UNKNOWN_TOPIC: UnknownTopicError,
  MISSING_TOPIC: MissingTopicError,
  UNKNOWN_COLUMN: UnknownColumnError,
  UNKNOWN_FUNCTION: UnknownFunctionError,
  UNKNOWN_NODE: UnknownNodeError,
  DUPLICATE_NODE: DuplicateNodeError,
  CYCLE: CycleError,
  INVALID_TOPOLOGY: InvalidTopologyError,
  INVALID_EXPRESSION: InvalidExpressionError,
  TYPE_MISMATCH: TypeMismatchError,
  INVALID_FORMAT: InvalidFormatError,
  INVALID_SCHEMA: InvalidSchemaError,
  CO_PARTITIONING: CoPartitioningError,
  UNSUPPORTED: UnsupportedError,
  NAME_TAKEN: NameTakenError,
  ETAG_MISMATCH: EtagMismatchError,
  RELATION_IN_USE: RelationInUseError,
  RELATION_READ_ONLY: RelationReadOnlyError,
  NOT_A_TABLE: NotATableError,
  INVALID_ROW: InvalidRowError,
  INVALID_KEY: InvalidKeyError,
  INVALID_RANGE: InvalidRangeError,
  INVALID_ARGUMENT: InvalidArgumentError,
  ROW_TOO_LARGE: RowTooLargeError,
  REQUEST_TOO_LARGE: RequestTooLargeError,
  SEQUENCE_GAP: SequenceGapError,
  PRODUCER_FENCED: ProducerFencedError,
  MALFORMED_TOKEN: MalformedTokenError,
  FOREIGN_TOKEN: ForeignTokenError,
  RELATION_REPLACED: RelationReplacedError,
  INVALID_CURSOR: InvalidCursorError,
  NOT_SERVING: NotServingError,
  LOG_UNAVAILABLE: LogUnavailableError,
  STATE_FULL: StateFullError,
  DRAINING: DrainingError,
  CREDENTIALS_MISSING: CredentialsMissingError,
  CREDENTIALS_INVALID: CredentialsInvalidError,
  PERMISSION_DENIED: PermissionDeniedError,
  DEADLINE_EXCEEDED: DeadlineExceededError,
  INTERNAL: InternalError,
  TOPOLOGY_NOT_PAUSED: TopologyNotPausedError,
  UNKNOWN_SCHEMA: UnknownSchemaError,
  INCOMPATIBLE_SCHEMA: IncompatibleSchemaError,
  SCHEMA_REGISTRY_UNAVAILABLE: SchemaRegistryUnavailableError,
  UNKNOWN_PROCESSOR: UnknownProcessorError,
  PLUGIN_FAILED: PluginFailedError,
  UPDATE_NEEDS_LEAVE: UpdateNeedsLeaveError,
  QUERY_GONE: QueryGoneError,
  TOO_MANY_QUERIES: TooManyQueriesError,
  ASSERTION_FAILED: AssertionFailedError,
  UNKNOWN_SERVICE_NODE: UnknownServiceNodeError,
  NODE_UNAVAILABLE: NodeUnavailableError,
  REGISTRY_NOT_EMPTY: RegistryNotEmptyError,
};
