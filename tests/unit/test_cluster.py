"""The routing table, and where a task is read: pure decisions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest
from penstock.clock import ManualClock
from penstock.errors import LogUnavailable
from penstock.runtime.board_port import TaskEntry, TaskState
from penstock.serving.cluster.cluster import SILENT, Cluster, Elsewhere
from penstock.serving.cluster.presence import Presence
from penstock.serving.cluster.published import Change, NodeEntry, NodeTasks, claims, decode, encode, gone
from penstock.serving.cluster.signs import Signs
from penstock.serving.cluster.table import RoutingTable, apply
from penstock.serving.committed import ANY_AGE, FOLLOWS_MS, age
from penstock.state.port import Stamp
from penstock_client.errors import UnreachableError
from penstock_client.nodes import Nodes, addresses_of

KEY = ("t", 7, "s", 0)


def entry(state: TaskState = TaskState.RUNNING, claim: int = 1) -> TaskEntry:
    return TaskEntry("t", 7, "s", 0, state, "", "w0", claim=claim)


def table(*changes: Change, before: RoutingTable | None = None, heard: float | None = None) -> RoutingTable:
    records = [SimpleNamespace(key=k, value=v, timestamp=0) for k, v in map(encode, changes)]
    return apply(before or RoutingTable(0), cast(Any, records), 1, lambda _, __: time.monotonic() if heard is None else heard)


def alive(node: str, tasks: Sequence[TaskEntry] = (), started: int = 1) -> list[Change]:
    return [NodeEntry(node, started, f"{node}:1"), NodeTasks(node, started, claims(tasks))]


def seen_by(node: str, of: RoutingTable) -> Cluster:
    return Cluster(node, cast(Any, SimpleNamespace(state=of)))


def test_what_is_published_is_read_back() -> None:
    for change in (*alive("a", [entry(TaskState.FAILED)]), *gone("a")):
        assert decode(*encode(change)) == change
    assert decode(b"node:a", b"\xc1") is None and decode(b"later:a", b"") is None


def test_the_newest_claim_owns_a_task_and_an_earlier_life_nothing() -> None:
    both = table(*alive("a", [entry(claim=3)]), *alive("b", [entry(claim=4)]))
    assert both.owners[KEY].node == "b"
    assert table(*alive("b", started=2)[:1], before=both).owners[KEY].node == "a", "b was started anew and has nothing yet"
    assert table(*gone("b"), before=both).owners[KEY].node == "a"
    copies = table(*alive("a", [entry()]), *alive("b", [entry(TaskState.STANDBY)]), *alive("c", [entry(TaskState.RESTORING)]))
    assert copies.owners[KEY].node == "a" and [h.node for h in copies.standbys[KEY]] == ["b"]


def test_two_processes_under_one_id_are_told_from_a_restart() -> None:
    """The later one is the node; the earlier one, when it goes on to speak, its double."""
    restarted = table(*alive("b", [entry()]), *alive("b", [entry(claim=2)], started=2))
    assert seen_by("a", restarted).doubles() == {}
    late = table(*alive("b", [entry(claim=3)]), before=restarted)
    assert late.owners[KEY].claim.claim == 2 and seen_by("a", late).doubles() == {}, "it was under way"
    later, earlier = seen_by("a", table(*alive("b"), before=late)).doubles()["b"]
    assert (later.started_ms, earlier.started_ms) == (2, 1)
    back = table(*alive("b", started=1), before=table(*alive("b", started=2), heard=0.0))
    assert (back.members["b"].entry.started_ms, seen_by("a", back).doubles()) == (1, {}), "the clock was set back"


async def test_a_node_shows_its_tasks_whatever_its_log_and_boards_do() -> None:
    published: list[tuple[str, ...]] = []
    tasks = [entry(TaskState.OPENING)]
    broken = [True, True]  # once for each loop

    def boards() -> list[TaskEntry]:
        if broken:
            broken.pop()
            raise OSError("no room for the lock file")
        return list(tasks)

    async def publish(changes: Sequence[Change]) -> None:
        await asyncio.sleep(0.4)  # the log is slow
        published.extend(tuple(claim.state for claim in c.claims) for c in changes if isinstance(c, NodeTasks))

    async def wait(seconds: float) -> bool:
        return True

    topic = cast(Any, SimpleNamespace(state=table(*alive("a")), publish=publish))
    waiter = SimpleNamespace(wait=wait, close=lambda: None)
    presence = Presence(seen_by("a", topic.state), topic, cast(Any, SimpleNamespace(tasks=boards)),
                        cast(Any, SimpleNamespace(subscribe=lambda what: waiter)), NodeEntry("a", 1, "a:1"))
    presence.start()
    async with asyncio.timeout(5):
        while published != [("OPENING",)]:
            await asyncio.sleep(0.01)
        tasks[:] = [entry(TaskState.RUNNING)]
        while published != [("OPENING",), ("RUNNING",)]:
            await asyncio.sleep(0.01)
    await presence.leave()


async def test_tasks_that_land_late_behind_newer_ones_are_said_again() -> None:
    """The log did not answer to the first append, and has written it after all, behind the second."""
    published: list[str] = []
    late: list[Change] = []

    async def publish(changes: Sequence[Change]) -> None:
        for said in (c for c in changes if isinstance(c, NodeTasks)):
            if not late:
                late.append(said)
                tasks[:] = [entry(TaskState.RUNNING)]
                raise LogUnavailable("no answer")
            published.append(said.claims[0].state)
            topic.state = table(said, before=topic.state)
            if len(published) == 1:
                topic.state = table(*late, before=topic.state)

    async def wait(seconds: float) -> bool:
        return True

    tasks = [entry(TaskState.OPENING)]
    topic = cast(Any, SimpleNamespace(state=table(*alive("a")), publish=publish))
    waiter = SimpleNamespace(wait=wait, close=lambda: None)
    presence = Presence(seen_by("a", topic.state), topic, cast(Any, SimpleNamespace(tasks=lambda: tasks)),
                        cast(Any, SimpleNamespace(subscribe=lambda what: waiter)), NodeEntry("a", 1, "a:1"))
    presence.start()
    async with asyncio.timeout(5):
        while len(published) < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # no third time
    await presence.leave()
    assert published == ["RUNNING", "RUNNING"] and topic.state.tasks["a"].claims[0].state == "RUNNING"


@pytest.mark.parametrize(("others", "local", "expected"), [
    ([], entry(), None),
    (alive("b"), entry(), None),
    (alive("b", [entry(claim=2)]), entry(claim=1), Elsewhere("b")),  # this node does not know yet that it was expelled
    (alive("b", [entry(claim=1)]), entry(claim=2), None),
    (alive("b", [entry()]), None, Elsewhere("b")),
    (alive("b", [entry(TaskState.RESTORING)]), None, Elsewhere("b")),
    (alive("b"), entry(TaskState.RESTORING), Elsewhere("")),
    (alive("b"), None, Elsewhere("", "no node has it now")),
])
def test_where_a_task_is(others: list[Change], local: TaskEntry | None, expected: Elsewhere | None) -> None:
    assert seen_by("a", table(*alive("a"), *others)).place(KEY, local) == expected


def test_a_silent_node_is_not_asked() -> None:
    silent = table(*alive("b", [entry()]), heard=time.monotonic() - SILENT - 1)
    cluster = seen_by("a", table(*alive("a"), before=silent))
    found = cluster.place(KEY, None)
    assert found is not None and not found.node and "silent" in found.why
    assert cluster.elsewhere_alive() == [] and cluster.copies(KEY) == []


def test_the_tasks_of_a_silent_node_are_not_shown_as_running() -> None:
    cluster = seen_by("a", table(*alive("b", [entry()]), heard=time.monotonic() - SILENT - 1))
    node, shown = cluster.tasks([])[KEY]
    assert (node, shown.state, cluster.heard("b")) == ("b", TaskState.SILENT, False) and "b, which had it, is silent" in shown.state_reason
    assert cluster.tasks([entry()])[KEY] == ("a", entry()), "which runs here by now"
    assert seen_by("a", table(*alive("b", [entry()]))).tasks([])[KEY] == ("b", entry())


def test_signs_of_life_are_as_old_as_they_are() -> None:
    clock = ManualClock(100_000)
    signs = Signs(clock)

    def ago(node: str, written_ms: int) -> float:
        return round(time.monotonic() - signs.heard(node, written_ms))

    assert (ago("b", 91_000), ago("b", 160_000)) == (9, 0), "history is as old as it says"
    signs.live()
    assert [ago("b", 100_000 - ms) for ms in (0, 9_000, 4_000)] == [0, 9, 4], "they were under way for so long"
    assert [ago("c", 40_000 - ms) for ms in (0, 9_000)] == [0, 9], "a clock that is a minute slow"
    assert ago("c", 160_000) == 0 and ago("c", 100_000) == 60, "it was set forward"
    assert [ago("c", 100_000) for _ in range(30)][-1] == 0, "and back"


def test_while_the_log_does_not_answer_nobody_counts_as_silent() -> None:
    old = table(*alive("a"), *alive("b", [entry()]), heard=time.monotonic() - 10 * SILENT)
    assert seen_by("a", old).place(KEY, None) == Elsewhere("b")


def test_alone_a_node_reads_what_ran_here_since_it_began() -> None:
    cluster = seen_by("a", table(*alive("a")))
    assert cluster.place(KEY, None) is not None, "others may have gone on with it before"
    assert cluster.place(KEY, entry()) is None
    assert cluster.place(KEY, entry(TaskState.OPENING)) is None and cluster.place(KEY, None) is None
    assert Cluster("a").place(KEY, None) is None, "on the embedded log there is nobody else"


@pytest.mark.parametrize(("state", "lag", "inputs", "expected"), [
    (TaskState.STANDBY, 1, {}, FOLLOWS_MS),  # built from nothing, and whole
    (TaskState.STANDBY, 7, {}, ANY_AGE),
    (TaskState.STANDBY, 7, {"in[0]": 5}, 60_000),
    (TaskState.RESTORING, 0, {"in[0]": 5}, 60_000),
])
def test_how_old_a_copy_is(state: TaskState, lag: int, inputs: dict[str, int], expected: int) -> None:
    stamp = Stamp(7, 1, "", inputs, {"log": 3}, "", 40_000)
    gateway = cast(Any, SimpleNamespace(clock=ManualClock(100_000)))
    assert age(gateway, stamp, replace(entry(state), lag=lag)) == expected


def test_a_client_moves_on_from_a_node_that_is_gone() -> None:
    assert addresses_of("a:1, b:2,") == ["a:1", "b:2"] == addresses_of(["a:1", "b:2"])
    made: list[str] = []
    nodes = Nodes(["a:1", "b:2"], lambda address: made.append(address) or address)
    lost = UnreachableError("gone", code=grpc.StatusCode.UNAVAILABLE)
    nodes.leave("a:1", lost)
    nodes.leave("a:1", lost)  # another call that had begun before
    assert nodes.current == "b:2"
    nodes.leave("b:2", UnreachableError("late", code=grpc.StatusCode.DEADLINE_EXCEEDED))
    assert nodes.channel() == ("b:2", "b:2")
    nodes.go("c:3")
    assert nodes.current == "c:3" and made == ["a:1", "b:2", "c:3"]
    nodes.leave("c:3", lost)
    assert nodes.current == "a:1"
