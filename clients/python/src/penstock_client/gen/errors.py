"""One exception class for each ErrorReason. Generated from proto/penstock/v1/errors.proto by `make proto`; not for editing."""

from penstock_client._error import PenstockError


class UnknownRelationError(PenstockError):
    """NOT_FOUND; metadata relation, node, candidates (names that are close, by comma). No such stream or table: check the
    name, or pass the position of its creation as at_least."""

    reason = "UNKNOWN_RELATION"


class PositionNotReachedError(PenstockError):
    """DEADLINE_EXCEEDED; metadata relation, waited_ms. The positions of at_least were not included in time: call again, the
    wait goes on where it was."""

    reason = "POSITION_NOT_REACHED"


class PositionExpiredError(PenstockError):
    """OUT_OF_RANGE; metadata relation, earliest (a token, when there is one). What follows the position is no longer kept:
    start anew with a snapshot, or from earliest."""

    reason = "POSITION_EXPIRED"


class UnknownTopologyError(PenstockError):
    """NOT_FOUND; metadata topology, candidates. No such topology: check the name."""

    reason = "UNKNOWN_TOPOLOGY"


class UnknownTopicError(PenstockError):
    """NOT_FOUND; metadata topic. A topic that the call names does not exist: check the name."""

    reason = "UNKNOWN_TOPIC"


class MissingTopicError(PenstockError):
    """FAILED_PRECONDITION; metadata relation, topic, node. The topic of a declaration does not exist: create it, or give
    `topic.create`."""

    reason = "MISSING_TOPIC"


class UnknownColumnError(PenstockError):
    """INVALID_ARGUMENT; metadata column, relation, node, candidates. An expression, a key or a row names a column that is
    not there: check the name."""

    reason = "UNKNOWN_COLUMN"


class UnknownFunctionError(PenstockError):
    """INVALID_ARGUMENT in an expression, NOT_FOUND from GetFunction and DropFunction; metadata function, candidates, node.
    Check the name; ListFunctions has all."""

    reason = "UNKNOWN_FUNCTION"


class UnknownNodeError(PenstockError):
    """INVALID_ARGUMENT; metadata node, input, candidates. An input is no node and no output of the topology: check its
    spelling."""

    reason = "UNKNOWN_NODE"


class DuplicateNodeError(PenstockError):
    """INVALID_ARGUMENT; metadata node. Two nodes have this name: rename one."""

    reason = "DUPLICATE_NODE"


class CycleError(PenstockError):
    """INVALID_ARGUMENT; metadata node, path (nodes by ` -> `). The inputs form a circle: break it."""

    reason = "CYCLE"


class InvalidTopologyError(PenstockError):
    """INVALID_ARGUMENT; metadata node, relation, topic. The definition is not valid in the way that the message says: mend
    it."""

    reason = "INVALID_TOPOLOGY"


class InvalidExpressionError(PenstockError):
    """INVALID_ARGUMENT; metadata node, and an ExpressionError detail with the place. The text is no expression: mend it."""

    reason = "INVALID_EXPRESSION"


class TypeMismatchError(PenstockError):
    """INVALID_ARGUMENT; metadata node, and an ExpressionError detail when it is in an expression. Cast, or change the
    expression."""

    reason = "TYPE_MISMATCH"


class InvalidFormatError(PenstockError):
    """INVALID_ARGUMENT; metadata format, part (key or value), node. No such format, or it does not take these columns or
    properties: choose another."""

    reason = "INVALID_FORMAT"


class InvalidSchemaError(PenstockError):
    """INVALID_ARGUMENT; metadata relation or node, column, type, subject. A type does not parse, a name occurs twice, a
    table has no key, or a registered schema does not take the columns: mend the columns."""

    reason = "INVALID_SCHEMA"


class CoPartitioningError(PenstockError):
    """FAILED_PRECONDITION; metadata node, left, right, left_partitions, right_partitions, topic. The inputs of a join or a
    merge do not agree in partitions or key types: put a PartitionBy before one."""

    reason = "CO_PARTITIONING"


class UnsupportedError(PenstockError):
    """UNIMPLEMENTED; metadata node, relation, feature, function. This release cannot do it: leave it out."""

    reason = "UNSUPPORTED"


class NameTakenError(PenstockError):
    """ALREADY_EXISTS; metadata name or relation, owner, node. A relation or topology of another definition has the name:
    choose another name or remove the old one."""

    reason = "NAME_TAKEN"


class EtagMismatchError(PenstockError):
    """ABORTED; metadata etag (the present one). Somebody was faster: read again, decide again."""

    reason = "ETAG_MISMATCH"


class RelationInUseError(PenstockError):
    """FAILED_PRECONDITION; metadata relation, readers (topologies that read or write it, by comma). Delete those first."""

    reason = "RELATION_IN_USE"


class RelationReadOnlyError(PenstockError):
    """FAILED_PRECONDITION; metadata relation, owner. It is written by a topology, or is a dead letter: append to the
    topology's source instead."""

    reason = "RELATION_READ_ONLY"


class NotATableError(PenstockError):
    """FAILED_PRECONDITION; metadata relation. Lookups and snapshots need a table that is materialised: use the
    `topology.node` of one, or subscribe."""

    reason = "NOT_A_TABLE"


class InvalidRowError(PenstockError):
    """INVALID_ARGUMENT; metadata row. A row does not fit the relation: AppendAck.row_errors has one for each; nothing of
    the batch was written unless SKIP_ROWS."""

    reason = "INVALID_ROW"


class InvalidKeyError(PenstockError):
    """INVALID_ARGUMENT; metadata relation, expected. The values are no key of this table: give one value of the right type
    for each key column."""

    reason = "INVALID_KEY"


class InvalidRangeError(PenstockError):
    """INVALID_ARGUMENT; metadata relation, field. A bound is no prefix of a key, or the bounds are the wrong way round:
    mend the range."""

    reason = "INVALID_RANGE"


class InvalidArgumentError(PenstockError):
    """INVALID_ARGUMENT; metadata field, relation, line. A field of the request is out of its limits: the message says which
    they are."""

    reason = "INVALID_ARGUMENT"


class RowTooLargeError(PenstockError):
    """INVALID_ARGUMENT; metadata size, limit (bytes). The log takes no record of this size: make it smaller."""

    reason = "ROW_TOO_LARGE"


class RequestTooLargeError(PenstockError):
    """RESOURCE_EXHAUSTED; metadata size, limit. Send less in one call."""

    reason = "REQUEST_TOO_LARGE"


class SequenceGapError(PenstockError):
    """FAILED_PRECONDITION; metadata producer_id, expected, actual. A batch before this one was not written: go on with the
    expected sequence."""

    reason = "SEQUENCE_GAP"


class ProducerFencedError(PenstockError):
    """ABORTED; metadata producer_id. A newer stream of this producer_id has been opened: stop, only one may write."""

    reason = "PRODUCER_FENCED"


class MalformedTokenError(PenstockError):
    """INVALID_ARGUMENT; metadata field. The text is no position token: pass on unchanged what a response gave."""

    reason = "MALFORMED_TOKEN"


class ForeignTokenError(PenstockError):
    """FAILED_PRECONDITION; metadata field. The token is of another log, or of a topic that was recreated: read anew."""

    reason = "FOREIGN_TOKEN"


class RelationReplacedError(PenstockError):
    """FAILED_PRECONDITION; metadata relation. The relation was dropped and made again, or its history rebuilt: start anew
    with a snapshot."""

    reason = "RELATION_REPLACED"


class InvalidCursorError(PenstockError):
    """INVALID_ARGUMENT; metadata relation. The cursor is not of this scan or its table has changed: start the scan anew."""

    reason = "INVALID_CURSOR"


class NotServingError(PenstockError):
    """UNAVAILABLE, with RetryInfo; metadata relation, topology, task, state, detail, and staleness_ms and max_staleness_ms
    when the rows are older than the call accepts. The task that has the rows is opening, restoring or failed: retry,
    ListTasks says more."""

    reason = "NOT_SERVING"


class LogUnavailableError(PenstockError):
    """UNAVAILABLE, with RetryInfo. The log (Kafka) does not answer: retry, a batch without producer_id may have been
    written."""

    reason = "LOG_UNAVAILABLE"


class StateFullError(PenstockError):
    """RESOURCE_EXHAUSTED. Disk or map is full: make room, it goes on by itself."""

    reason = "STATE_FULL"


class DrainingError(PenstockError):
    """UNAVAILABLE, with RetryInfo. The node is stopping: retry on another or when it is back."""

    reason = "DRAINING"


class CredentialsMissingError(PenstockError):
    """UNAUTHENTICATED. The call carries no credentials and this listener needs them: send `authorization: Bearer TOKEN`, or
    a client certificate where the listener asks for one."""

    reason = "CREDENTIALS_MISSING"


class CredentialsInvalidError(PenstockError):
    """UNAUTHENTICATED. The credentials are not accepted or have expired, also in the midst of a stream: get new ones; a
    subscription goes on from its last position."""

    reason = "CREDENTIALS_INVALID"


class PermissionDeniedError(PenstockError):
    """PERMISSION_DENIED; metadata method, resource (a relation, topology or topic; `*` for what concerns all), principal,
    role (that it takes there: reader, writer or admin). The principal may not do this: ask for the role."""

    reason = "PERMISSION_DENIED"


class DeadlineExceededError(PenstockError):
    """DEADLINE_EXCEEDED; metadata method. The call's own deadline passed on the server: what it began may be done; give
    more time."""

    reason = "DEADLINE_EXCEEDED"


class InternalError(PenstockError):
    """INTERNAL; metadata id (in the service's log). A fault of the service: report it with the id."""

    reason = "INTERNAL"


class TopologyNotPausedError(PenstockError):
    """FAILED_PRECONDITION; metadata topology, state. ResetTopology needs a paused topology: pause it first."""

    reason = "TOPOLOGY_NOT_PAUSED"


class UnknownSchemaError(PenstockError):
    """NOT_FOUND; metadata subject. The schema registry has no such schema, or what it has is none of the format: register
    it, or declare the columns."""

    reason = "UNKNOWN_SCHEMA"


class IncompatibleSchemaError(PenstockError):
    """FAILED_PRECONDITION; metadata subject. The schema registry refuses a schema that does not go with earlier ones of its
    subject: change the columns, or the subject's compatibility level."""

    reason = "INCOMPATIBLE_SCHEMA"


class SchemaRegistryUnavailableError(PenstockError):
    """UNAVAILABLE, with RetryInfo. The schema registry does not answer, or none is configured: retry, or give the service
    its address."""

    reason = "SCHEMA_REGISTRY_UNAVAILABLE"


class UnknownProcessorError(PenstockError):
    """INVALID_ARGUMENT; metadata node, processor, candidates. No plug-in of this name is installed where the call was
    answered: check the name, install it on every node and start the nodes anew."""

    reason = "UNKNOWN_PROCESSOR"


class PluginFailedError(PenstockError):
    """FAILED_PRECONDITION; metadata node, processor. A plug-in cannot be loaded or declares what is not possible: mend
    it."""

    reason = "PLUGIN_FAILED"


class UpdateNeedsLeaveError(PenstockError):
    """FAILED_PRECONDITION; metadata topology, nodes (names, by comma), leave (allow_rebuild or allow_drop). The update
    computes these nodes anew or drops them: ask validate_only what becomes of each, then give leave."""

    reason = "UPDATE_NEEDS_LEAVE"


class QueryGoneError(PenstockError):
    """NOT_FOUND; metadata query. The topology of a push query was deleted, some time after its client went: begin the query
    anew."""

    reason = "QUERY_GONE"


class TooManyQueriesError(PenstockError):
    """RESOURCE_EXHAUSTED; metadata limit. The node runs as many push queries with topologies of their own as it may: end
    one, or subscribe to a registered topology."""

    reason = "TOO_MANY_QUERIES"


class AssertionFailedError(PenstockError):
    """FAILED_PRECONDITION. What an ASSERT statement says was not so within its time."""

    reason = "ASSERTION_FAILED"


class UnknownServiceNodeError(PenstockError):
    """NOT_FOUND; metadata node, candidates. No node of this id is in the service: DescribeCluster lists them."""

    reason = "UNKNOWN_SERVICE_NODE"


class NodeUnavailableError(PenstockError):
    """UNAVAILABLE, with RetryInfo; metadata node, address. The node does not answer: retry, DescribeCluster says when it
    was last heard of."""

    reason = "NODE_UNAVAILABLE"


class RegistryNotEmptyError(PenstockError):
    """FAILED_PRECONDITION; metadata topologies, relations (their numbers). A backup is restored into an empty registry, or
    replaces what is there: ask validate_only what would be forgotten, then set replace."""

    reason = "REGISTRY_NOT_EMPTY"


BY_REASON: dict[str, type[PenstockError]] = {
    "UNKNOWN_RELATION": UnknownRelationError,
    "POSITION_NOT_REACHED": PositionNotReachedError,
    "POSITION_EXPIRED": PositionExpiredError,
    "UNKNOWN_TOPOLOGY": UnknownTopologyError,
    "UNKNOWN_TOPIC": UnknownTopicError,
    "MISSING_TOPIC": MissingTopicError,
    "UNKNOWN_COLUMN": UnknownColumnError,
    "UNKNOWN_FUNCTION": UnknownFunctionError,
    "UNKNOWN_NODE": UnknownNodeError,
    "DUPLICATE_NODE": DuplicateNodeError,
    "CYCLE": CycleError,
    "INVALID_TOPOLOGY": InvalidTopologyError,
    "INVALID_EXPRESSION": InvalidExpressionError,
    "TYPE_MISMATCH": TypeMismatchError,
    "INVALID_FORMAT": InvalidFormatError,
    "INVALID_SCHEMA": InvalidSchemaError,
    "CO_PARTITIONING": CoPartitioningError,
    "UNSUPPORTED": UnsupportedError,
    "NAME_TAKEN": NameTakenError,
    "ETAG_MISMATCH": EtagMismatchError,
    "RELATION_IN_USE": RelationInUseError,
    "RELATION_READ_ONLY": RelationReadOnlyError,
    "NOT_A_TABLE": NotATableError,
    "INVALID_ROW": InvalidRowError,
    "INVALID_KEY": InvalidKeyError,
    "INVALID_RANGE": InvalidRangeError,
    "INVALID_ARGUMENT": InvalidArgumentError,
    "ROW_TOO_LARGE": RowTooLargeError,
    "REQUEST_TOO_LARGE": RequestTooLargeError,
    "SEQUENCE_GAP": SequenceGapError,
    "PRODUCER_FENCED": ProducerFencedError,
    "MALFORMED_TOKEN": MalformedTokenError,
    "FOREIGN_TOKEN": ForeignTokenError,
    "RELATION_REPLACED": RelationReplacedError,
    "INVALID_CURSOR": InvalidCursorError,
    "NOT_SERVING": NotServingError,
    "LOG_UNAVAILABLE": LogUnavailableError,
    "STATE_FULL": StateFullError,
    "DRAINING": DrainingError,
    "CREDENTIALS_MISSING": CredentialsMissingError,
    "CREDENTIALS_INVALID": CredentialsInvalidError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "INTERNAL": InternalError,
    "TOPOLOGY_NOT_PAUSED": TopologyNotPausedError,
    "UNKNOWN_SCHEMA": UnknownSchemaError,
    "INCOMPATIBLE_SCHEMA": IncompatibleSchemaError,
    "SCHEMA_REGISTRY_UNAVAILABLE": SchemaRegistryUnavailableError,
    "UNKNOWN_PROCESSOR": UnknownProcessorError,
    "PLUGIN_FAILED": PluginFailedError,
    "UPDATE_NEEDS_LEAVE": UpdateNeedsLeaveError,
    "QUERY_GONE": QueryGoneError,
    "TOO_MANY_QUERIES": TooManyQueriesError,
    "ASSERTION_FAILED": AssertionFailedError,
    "UNKNOWN_SERVICE_NODE": UnknownServiceNodeError,
    "NODE_UNAVAILABLE": NodeUnavailableError,
    "REGISTRY_NOT_EMPTY": RegistryNotEmptyError,
}
