"""What a worker and the gateway of its node say to each other about bundles: over a Unix stream socket in the data directory, which is theirs
alone; each message is its length and a pickle of one of these."""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from penstock.engine.processors.bundles import Bundle, Result, Shape

LENGTH = 4
BUFFER = 1 << 20
"""Bytes that a reader takes in before it has the sender wait: a bundle comes in one go."""


@dataclass(frozen=True, slots=True)
class Work:
    """A bundle to be given to a program. id: unique on the connection. lease: the task's life; number: of the bundle in it."""

    id: int
    shape: Shape
    partition: int
    lease: int
    number: int
    bundle: Bundle
    timeout_ms: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Forget:
    """Nobody waits for the answer any more."""

    id: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a Work."""

    id: int
    result: Result


@dataclass(frozen=True, slots=True)
class Waits:
    """Why a Work has no answer yet; empty when a program has it."""

    id: int
    reason: str


async def receive(reader: asyncio.StreamReader) -> object:
    """The next message. Raises asyncio.IncompleteReadError at the end."""
    size = int.from_bytes(await reader.readexactly(LENGTH), "big")
    return pickle.loads(await reader.readexactly(size))  # noqa: S301 - from our own process


def send(writer: asyncio.StreamWriter, message: Work | Forget | Answer | Waits) -> None:
    """Queue a message."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    writer.write(len(data).to_bytes(LENGTH, "big") + data)


@contextmanager
def socket_path(run: Path) -> Iterator[str]:
    """The socket's path, by the directory's descriptor: a data directory with a long path is over the 107 bytes of a socket address."""
    directory = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/programs"
    finally:
        os.close(directory)
