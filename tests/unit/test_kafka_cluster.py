"""Connections to brokers that break while they are used."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
import uvloop
from penstock.errors import LogUnavailable
from penstock.log.kafka import security
from penstock.log.kafka.cluster import Cluster


class Connection:
    """Writes a request to a transport of uvloop, as aiokafka does; it looks connected until the loop has told the reader otherwise."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.closed = False

    def connected(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True
        self._writer.close()

    def send(self, call: object) -> object:
        self._writer.write(b"request")
        return asyncio.sleep(0)


def test_a_connection_that_was_closed_since_is_a_broker_that_does_not_answer() -> None:
    async def ask(several: bool) -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        cluster, connection = Cluster(security.parse("127.0.0.1:1", {}), "test"), Connection(writer)
        cluster._conns[1, "main"] = cast(Any, connection)
        writer.transport.abort()
        await asyncio.sleep(0.01)  # uvloop has closed it
        with pytest.raises(LogUnavailable, match="broker 1 does not answer.*closed"):
            await (cluster.send_all(1, [cast(Any, None)]) if several else cluster.send(1, cast(Any, None)))
        assert connection.closed and not cluster._conns
        server.close()

    for several in (False, True):
        uvloop.run(ask(several))
