"""SQL: a session's properties and variables, scripts and their results, queries as subscriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock_client import model
from penstock_client._error import PenstockError
from penstock_client.errors import from_status
from penstock_client.gen.penstock.v1 import position_pb2
from penstock_client.gen.penstock.v1 import sql_service_pb2 as pb
from penstock_client.position import AtLeast, consistency, duration
from penstock_client.row import Batch, batch_of, schema_of
from penstock_client.values import parameters

EXECUTE = "/penstock.v1.SqlService/Execute"
QUERY = "/penstock.v1.SqlService/Query"


@dataclass(slots=True)
class SqlSession:
    """What SET and DEFINE leave for later statements of a client. position: of its last statement, so that the next one sees it on any node."""

    properties: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    position: str = ""

    def message(self) -> pb.SqlSession:
        """For a request."""
        return pb.SqlSession(properties=self.properties, variables=self.variables)

    def request(self, text: str, apply: bool, validate_only: bool, values: Mapping[str, Any] | None = None) -> pb.ExecuteRequest:
        """The request that executes a script in this session. values: of `:name`."""
        return pb.ExecuteRequest(
            sql=text, session=self.message(), apply=apply, validate_only=validate_only, positions=self.positions(), parameters=parameters(values),
        )  # fmt: skip

    def positions(self) -> list[position_pb2.PositionToken]:
        """What the catalog must include."""
        return [position_pb2.PositionToken(value=self.position)] if self.position else []

    def take(self, response: pb.ExecuteResponse) -> SqlResult:
        """The result of one statement, after which the session is what it left. Raises the statement's error."""
        if response.WhichOneof("result") == "error":
            raise from_status(response.error) or PenstockError(response.error.message)
        if response.HasField("session"):
            self.properties, self.variables = dict(response.session.properties), dict(response.session.variables)
        self.position = response.position.value or self.position
        return _result(response)


@dataclass(frozen=True, slots=True)
class SqlResult:
    """What one statement did. message is for people; of the others at most one is set, and with a described relation also details. rows are
    what SHOW and LIST give, text what EXPLAIN gives. unchanged: nothing had to be done. position includes the statement."""

    index: int
    statement: str
    message: str
    relation: model.Relation | None
    topology: model.TopologyInfo | None
    function: model.Function | None
    rows: Batch | None
    details: Batch | None
    text: str
    unchanged: bool
    position: str


def _result(r: pb.ExecuteResponse) -> SqlResult:
    token = r.position.value
    return SqlResult(
        r.index, r.statement, r.message,
        model.relation_of(r.relation, token) if r.HasField("relation") else None,
        model.topology_of(r.topology, token) if r.HasField("topology") else None,
        model.function_of(r.function) if r.HasField("function") else None,
        _batch(r.rows) if r.HasField("rows") else None, _batch(r.details) if r.HasField("details") else None, r.text, r.unchanged, token,
    )  # fmt: skip


def _batch(message: pb.ResultSet) -> Batch:
    return batch_of(schema_of(message.schema), message.rows)


@dataclass(frozen=True)
class QueryWanted:
    """What a query asks for; the counterpart of subscribing.Wanted. Only push queries go on over broken connections."""

    sql: str
    session: SqlSession
    values: Mapping[str, Any] | None = None
    resume: str = ""
    limit: int = 0
    at_least: AtLeast | None = None
    max_wait: float | None = None
    progress_interval: float | None = None

    method = QUERY
    response = pb.QueryResponse

    @property
    def resumes(self) -> bool:
        """Whether what follows a position can be asked for."""
        plain = re.sub(r"'(?:''|[^'])*'|--[^\n]*|/\*[\s\S]*?\*/", " ", self.sql)
        return re.search(r"\bEMIT\s+(CHANGES|FINAL)\b", plain, re.IGNORECASE) is not None

    def request(self, position: str, taken: int) -> pb.QueryRequest:
        """The request that goes on after `position` (empty: from the start) when `taken` rows have come."""
        resume = position or self.resume
        return pb.QueryRequest(
            sql=self.sql, parameters=parameters(self.values), session=self.session.message(),
            consistency=consistency(self.at_least, self.max_wait, None),
            resume=position_pb2.PositionToken(value=resume) if resume and self.resumes else None,
            limit=max(self.limit - taken, 1) if self.limit else 0,
            progress_interval=None if self.progress_interval is None else duration(self.progress_interval),
            positions=self.session.positions(),
        )  # fmt: skip

