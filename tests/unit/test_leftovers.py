"""Stores of tasks that a node no longer has."""

from __future__ import annotations

from pathlib import Path

from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.runtime.layout import Layout
from penstock.runtime.leftovers import Leftovers
from penstock.state.lmdb import LmdbTaskState


def test_what_nobody_has_leaves_after_the_delay(tmp_path: Path) -> None:
    layout, entries = Layout(tmp_path), [TaskEntry("t", 1, "s", 0, TaskState.FAILED)]
    paths = [layout.task("t", 1, "s", p) for p in range(4)]
    states = [LmdbTaskState.open(path, (), 1, map_size=1 << 20) for path in paths]
    for state in states[:3]:
        state.close()
    table = layout.global_table("t", 1, "g", "w0")
    table.mkdir()
    leftovers = Leftovers(layout, lambda: entries, delay=10)
    leftovers.look(0)
    leftovers.look(9)
    assert all(path.exists() for path in paths)
    entries.append(TaskEntry("t", 1, "s", 1, TaskState.STANDBY))  # it came back in time
    leftovers.look(10)
    assert [path.exists() for path in paths] == [True, True, False, True], "FAILED, a copy, nobody's, and one that is open"
    entries.pop()
    leftovers.look(11)
    leftovers.look(20)
    assert paths[1].exists(), "its time begins anew"
    leftovers.look(21)
    assert not paths[1].exists() and table.exists()
    states[3].close()
