"""Where a node keeps things, and the names of what it shares between its processes. All paths are below the data directory.

    node.json                                     format version, service id, node id
    LOCK                                          flock of the supervisor
    log/                                          the embedded log (log/embedded owns what is inside)
    state/<topology>-<incarnation>/<sub>-<partition>/   one LMDB environment a task
    state/<topology>-<incarnation>/<table>@<worker slot>/   one a global table and worker
    board/<worker slot>/                          one small LMDB environment a worker (runtime/board.py)
    run/<process>.sock                            notices (datagram sockets)
    run/programs                                  bundles for programs elsewhere, between workers and gateway (a stream socket)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below a data directory."""

    root: Path

    @property
    def node_file(self) -> Path:
        return self.root / "node.json"

    @property
    def lock(self) -> Path:
        return self.root / "LOCK"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    def board(self, slot: str) -> Path:
        return self.root / "board" / slot

    def boards(self) -> Path:
        return self.root / "board"

    def topology(self, name: str, incarnation: int) -> Path:
        return self.root / "state" / f"{name}-{incarnation}"

    def task(self, name: str, incarnation: int, sub: str, partition: int) -> Path:
        """Environment of one task."""
        return self.topology(name, incarnation) / f"{sub}-{partition}"

    def global_table(self, name: str, incarnation: int, table: str, slot: str) -> Path:
        """Environment of a global table's copy in one worker."""
        return self.topology(name, incarnation) / f"{table}@{slot}"
