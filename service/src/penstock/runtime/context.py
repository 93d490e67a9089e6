"""What every runner of a worker shares."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from penstock.clock import Clock
from penstock.log.port import USUAL, Log, Membership
from penstock.runtime.board import BoardWriter
from penstock.runtime.board_port import Notices
from penstock.runtime.layout import Layout
from penstock.runtime.memory import Memory
from penstock.runtime.poison import NoteFile, Suspects
from penstock.runtime.readers import Readers
from penstock.runtime.remote import RemoteLink

RESTORES = 2
"""Stores that a worker restores at the same time: one is fetched while another is written, which is what takes the time."""


@dataclass
class Counters:
    """Totals since this worker started; metrics read them, nothing is done for each record."""

    records_in: int = 0
    records_out: int = 0
    dead_letters: int = 0
    expression_errors: int = 0
    late: int = 0
    commits: int = 0
    commit_seconds: float = 0.0
    last_commit_seconds: float = 0.0
    resets: int = 0
    restored: int = 0


@dataclass
class Context:
    """One worker's surroundings. readers: of the tasks' inputs; followers: of changelogs for copies of other workers' tasks, apart from
    those so that catching up never delays them. restores: taken while a store is being restored.
    acceptable_lag: changelog records that a copy may miss and still take over."""

    slot: str
    node: str
    service_id: str
    layout: Layout
    log: Log
    membership: Membership
    readers: Readers
    followers: Readers
    board: BoardWriter
    notices: Notices
    clock: Clock
    note: NoteFile
    suspects: Suspects
    store_bytes: int
    remote: RemoteLink
    acceptable_lag: int = USUAL.acceptable_lag
    restores: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RESTORES))
    memory: Memory = field(default_factory=Memory)
    counters: Counters = field(default_factory=Counters)
    boot: str = field(default_factory=lambda: Path("/proc/sys/kernel/random/boot_id").read_text().strip())
