"""What the servicers stand on: the opened gateway, or the reason why it is not open yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from penstock.api.calls import Calls
from penstock.api.schema_listener import SchemaRest
from penstock.config import WILDCARDS, ServeConfig
from penstock.errors import RequestError
from penstock.serving.append import Appender
from penstock.serving.cluster.presence import Presence
from penstock.serving.gateway import Gateway
from penstock.serving.lookup import Lookups
from penstock.serving.programs import Programs
from penstock.serving.scan import Scans
from penstock.serving.sql.queries import Queries
from penstock.serving.sql.statements import Statements
from penstock.serving.sql.transient import Transients
from penstock.serving.subscription import Hub
from penstock.serving.tables import Tables

VERSION = version("penstock")


@dataclass(frozen=True)
class Parts:
    """Everything that serves, once the log is open."""

    gateway: Gateway
    tables: Tables
    lookups: Lookups
    scans: Scans
    appender: Appender
    hub: Hub
    statements: Statements
    queries: Queries


def assemble(gateway: Gateway, config: ServeConfig) -> Parts:
    """The parts over a gateway."""
    tables = Tables(gateway)
    lookups = Lookups(gateway, tables)
    scans, appender, hub = Scans(gateway, tables, lookups), Appender(gateway), Hub(gateway, tables)
    statements = Statements(gateway, appender, config.default_partitions)
    queries = Queries(gateway, hub, lookups, scans, statements, Transients(statements, config.push_queries))
    return Parts(gateway, tables, lookups, scans, appender, hub, statements, queries)


@dataclass
class Host:
    """One gateway process. parts is None until the log could be opened; why says what was wrong at the last try."""

    config: ServeConfig
    calls: Calls = field(default_factory=Calls)
    parts: Parts | None = None
    why: str = "the log is not open yet"
    started_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    address: str = ""
    peer_address: str = ""
    """Where other nodes reach this one; "" where they use address."""
    rest: SchemaRest = field(default_factory=SchemaRest)
    programs: Programs = field(default_factory=Programs)
    presence: Presence | None = None
    drain: Callable[[bool], None] = lambda others: None
    """Ends this node in order (DrainNode); others: they can take its tasks."""

    @property
    def advertised(self) -> str:
        """Where clients reach this node."""
        return self.config.advertise or self.address

    @property
    def for_peers(self) -> str:
        """Where other nodes reach it."""
        if not self.peer_address:
            return self.advertised
        host, _, port = self.peer_address.rpartition(":")
        if host.strip("[]") in WILDCARDS:
            host = self.advertised.rpartition(":")[0]
        return f"{host}:{port}"

    @property
    def open(self) -> Parts:
        """The parts. Raises LOG_UNAVAILABLE."""
        if self.parts is None:
            raise RequestError("LOG_UNAVAILABLE", f"the log does not answer: {self.why}", retry_after=1.0)
        return self.parts

    @property
    def gateway(self) -> Gateway:
        """The gateway. Raises LOG_UNAVAILABLE."""
        return self.open.gateway
