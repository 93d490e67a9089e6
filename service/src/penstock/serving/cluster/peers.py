"""Calls to other nodes."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from penstock_client.gen.penstock.internal.v1 import node_service_pb2_grpc

from penstock.serving.cluster.cluster import Cluster

LONGEST = 10.0
"""Seconds that a call may take."""


class Unreachable(Exception):
    """A node did not answer: its words for it."""


class Channels(Protocol):
    """Connections to addresses (api/peers.py)."""

    def channel(self, address: str) -> grpc.aio.Channel: ...
    async def close(self) -> None: ...


@dataclass(frozen=True)
class Peers:
    """The other nodes."""

    cluster: Cluster
    channels: Channels | None

    async def call(self, node: str, method: str, request: Any, timeout: float) -> Any:
        """The response of a node's NodeService. Raises Unreachable."""
        address = self.cluster.address(node)
        if not address or self.channels is None:
            raise Unreachable(f"the address of node {node} is not known")
        service = node_service_pb2_grpc.NodeServiceStub(self.channels.channel(address))  # type: ignore[no-untyped-call]
        calling: Awaitable[Any] = getattr(service, method)(request, timeout=max(0.01, min(LONGEST, timeout)))
        try:
            return await calling
        except grpc.aio.AioRpcError as e:
            raise Unreachable(f"node {node}: {e.code().name} {e.details()}") from e

    async def close(self) -> None:
        """Close the connections."""
        if self.channels is not None:
            await self.channels.close()
