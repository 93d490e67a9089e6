"""Client of Penstock, a gRPC stream-processing service: register topologies, append, subscribe, look up.

    from penstock_client import Client, Topology, tumbling

`Client` is synchronous, `AsyncClient` the same with await. Everything public is here; `errors` has one class for each reason.
"""

from penstock_client import errors
from penstock_client.aio import AsyncClient
from penstock_client.backups import Restored
from penstock_client.builder import Topology, hopping, session, sliding, time_column, tumbling
from penstock_client.channel import Keepalive
from penstock_client.client import Client
from penstock_client.declare import Binding
from penstock_client.errors import ClosedError, PenstockError, UnreachableError
from penstock_client.events import CaughtUp, Ended, Event, FellBehind, Progress, Reconnecting, SchemaChanged
from penstock_client.folds import Cofold, Fold
from penstock_client.model import Appended, Cluster, Function, NodeChange, Relation, Replay, Task, Topic, TopologyInfo, TopologyUpdate
from penstock_client.position import TopicOffset
from penstock_client.retry import Retry
from penstock_client.row import Batch, Row
from penstock_client.security import Tls, TokenFile
from penstock_client.sql import SqlResult, SqlSession
from penstock_client.types import Column, Kind, SqlType

__version__ = "0.1.0"
__all__ = [
    "Appended", "AsyncClient", "Batch", "Binding", "CaughtUp", "Client", "ClosedError", "Cluster", "Cofold", "Column", "Ended", "Event",
    "FellBehind", "Fold", "Function", "Keepalive", "Kind", "NodeChange", "PenstockError", "Progress", "Reconnecting", "Relation", "Replay", "Restored", "Retry", "Row", "SchemaChanged", "SqlResult",
    "SqlSession", "SqlType", "Tls", "TokenFile",
    "Task", "Topic", "TopicOffset", "Topology", "TopologyInfo", "TopologyUpdate", "UnreachableError", "errors", "hopping",
    "session", "sliding", "time_column", "tumbling",
]  # fmt: skip
