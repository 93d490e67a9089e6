"""Channels to the service's other nodes. A node shows its own certificate and checks the peer's by `--tls-ca`; the peer knows it for a node by a
line `NAME certificate:... node` in its file of principals, and lets it do everything: what a node passes on it has admitted before.

Other nodes are reached at their `--peer-listen`, where certificates are always asked for, or at `--listen` where every client needs one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc

from penstock.api.tls import certificate_files
from penstock.config import ServeConfig
from penstock.security.certificates import Certificates

CLOSING_SECONDS = 30.0
"""For calls on a channel whose certificate was exchanged."""
OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_retries", 0),
)


class Peers:
    """One channel for each address. Belongs to the event loop in which it is made."""

    def __init__(self, config: ServeConfig) -> None:
        """Raises ConfigError."""
        self._files = certificate_files(config) if config.tls_ca else None
        self._plain = not config.tls_cert
        self._channels: dict[str, tuple[Certificates | None, grpc.aio.Channel]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def channel(self, address: str) -> grpc.aio.Channel:
        """The channel to a node, HOST:PORT; another one once the node's own certificate is another."""
        now = self._files.current() if self._files is not None else None
        found = self._channels.get(address)
        if found is not None and found[0] is now:
            return found[1]
        if found is not None:
            self._end(found[1])
        made = self._made(address, now)
        self._channels[address] = now, made
        return made

    def _made(self, address: str, of: Certificates | None) -> grpc.aio.Channel:
        if of is not None:
            return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(of.authorities, of.key, of.certificate), OPTIONS)
        if self._plain:
            return grpc.aio.insecure_channel(address, OPTIONS)
        return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(), OPTIONS)

    def _end(self, channel: grpc.aio.Channel) -> None:
        task = asyncio.create_task(channel.close(CLOSING_SECONDS))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close every channel."""
        for task in list(self._closing):
            task.cancel()
        await asyncio.gather(*self._closing, *(channel.close(None) for _, channel in self._channels.values()), return_exceptions=True)
        self._channels.clear()
