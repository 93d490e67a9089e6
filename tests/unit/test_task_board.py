"""What a worker shows of its tasks is what it has: others route by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lmdb
import pytest
from penstock.clock import ManualClock
from penstock.errors import StateError
from penstock.log.port import TaskId
from penstock.runtime.board import BoardWriter, NodeBoard
from penstock.runtime.board_port import TaskState
from penstock.runtime.task_board import TaskBoard


@dataclass(frozen=True)
class Shown:
    """A board as its worker writes it, and as the node reads it."""

    board: TaskBoard
    writer: BoardWriter
    node: NodeBoard

    def states(self) -> dict[int, tuple[TaskState, str]]:
        """State and reason by partition."""
        return {e.partition: (e.state, e.state_reason) for e in self.node.tasks()}


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    plan: Any = SimpleNamespace(topology="t", incarnation=7, edition=0, subs=[SimpleNamespace(name="numbers")])
    writer, node = BoardWriter(tmp_path / "w0", "w0"), NodeBoard(tmp_path)
    ctx: Any = SimpleNamespace(board=writer, slot="w0", clock=ManualClock(1000), notices=SimpleNamespace(send=lambda what: None))
    yield Shown(TaskBoard(ctx, plan, {}, {}), writer, node)
    node.close()
    writer.close()


def test_tasks_that_went_elsewhere_are_not_shown_any_more(shown: Shown) -> None:
    opening, failed, gone = TaskId(0, 0), TaskId(0, 1), TaskId(0, 2)
    shown.board.say(opening, TaskState.OPENING)
    shown.board.say(failed, TaskState.FAILED, "why")
    shown.board.say(gone, TaskState.RUNNING)
    shown.board.copies({TaskId(0, 3): 5})
    shown.board.remove([gone])
    assert shown.board.says(gone) is None
    shown.board.keep_only({failed})
    assert shown.states() == {1: (TaskState.FAILED, "why"), 3: (TaskState.STANDBY, "5 changelog records behind")}


def test_what_could_not_be_written_is_written_later(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    shown.board.say(TaskId(0, 0), TaskState.RUNNING)
    shown.board.say(TaskId(0, 1), TaskState.RUNNING)
    environment = shown.writer._env

    def full(write: bool) -> Any:
        raise lmdb.DiskError("no room")

    monkeypatch.setattr(shown.writer, "_env", SimpleNamespace(begin=full))
    shown.board.remove([TaskId(0, 0)])
    shown.board.say(TaskId(0, 1), TaskState.STUCK, "node n")
    assert shown.writer.behind
    with pytest.raises(StateError, match="cannot be written: no room"):
        shown.writer.clear()
    monkeypatch.setattr(shown.writer, "_env", environment)
    shown.writer.put([])
    assert not shown.writer.behind
    assert shown.states() == {1: (TaskState.STUCK, "node n")}
