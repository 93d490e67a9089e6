"""The server: methods by name, ports, start, and a stop that lets calls end.

Generated code adds servicers to it as to a grpc.aio server: `add_XServicer_to_server(servicer, server)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from penstock.api.rpc.call import Call, Method
from penstock.api.rpc.core import Core

EXPECTED = 32
"""Calls that may arrive before the first is looked at; more wait in the core."""


class Server:
    """A gRPC server in the running event loop."""

    def __init__(self, options: Sequence[tuple[str, int]] = ()) -> None:
        self.core = Core(options, asyncio.get_running_loop())
        self._methods: dict[bytes, Method] = {}
        self._calls: set[Call] = set()
        self._quiet = asyncio.Event()

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
        """Called by generated code."""
        self._methods |= {f"/{service}/{name}".encode(): Method.of(h) for name, h in handlers.items()}

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """Called by generated code with what it registers by name as well."""

    def add_insecure_port(self, address: str) -> int:
        """The port, bound. Raises RuntimeError."""
        return self.core.listen(address, None)

    def add_secure_port(self, address: str, credentials: grpc.ServerCredentials) -> int:
        """The port, bound, with TLS. Raises RuntimeError."""
        return self.core.listen(address, credentials)

    def start(self) -> None:
        """Take calls."""
        self.core.start()
        for _ in range(EXPECTED):
            self.core.expect(self._arrived)

    async def stop(self, grace: float) -> None:
        """Take no more calls, give those that run some seconds, then cancel them; returns when everything has ended."""
        shut = asyncio.Event()
        self.core.shut(lambda event: self.core.post(shut.set))
        try:
            async with asyncio.timeout(grace):
                while self._calls:
                    self._quiet.clear()
                    await self._quiet.wait()
                await shut.wait()
        except TimeoutError:
            pass
        self.core.cancel_all()
        await asyncio.gather(*(call.wait() for call in list(self._calls)))
        await shut.wait()
        self.core.close()

    def ended(self, call: Call) -> None:
        """A call is over."""
        self._calls.discard(call)
        if not self._calls:
            self._quiet.set()

    def _arrived(self, event: Any) -> None:
        """A call, in the core's thread."""
        if not event.success:
            return  # the server stops
        self.core.expect(self._arrived)
        call = Call(self, event, self._methods.get(event.call_details.method))
        self._calls.add(call)
        call.arrived()
