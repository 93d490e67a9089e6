"""Versions of rows against a list of all puts, over a store whose history expires."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from penstock.engine.versions import Versions
from penstock.plan.nodes import StoreKind
from penstock.planner.stores import history_store, store
from penstock.state.memory import MemoryTaskState
from penstock.state.port import Stamp, Value

RETENTION = 20
FIELDS = (("A", "BIGINT"),)


def states() -> tuple[MemoryTaskState, Versions]:
    spec = store("t", StoreKind.KEY_VALUE, FIELDS, None)
    history = history_store(spec, RETENTION, FIELDS)
    state = MemoryTaskState([spec, history])
    state.take("me")
    return state, Versions(state.store("t"), state.store("t-history"), RETENTION)  # type: ignore[arg-type]


class Puts:
    """All puts of a key. ends: times at which a version is known to end."""

    def __init__(self) -> None:
        self.done: list[tuple[int, Value | None]] = []
        self.ends: set[int] = set()

    def put(self, time: int, row: Value | None) -> bool:
        """Whether it is the present row now."""
        present = valid_at(self.done, 100)
        later = [at for at, _ in self.done if at > time]
        if later:
            self.ends.add(min(later))
        elif present is not None and present[0] == time and row is None and time not in self.ends:
            self.done = [(at, other) for at, other in self.done if at < time]  # deleted at its own time, without a trace
            return True
        elif present[0] < time if present is not None else row is None:  # type: ignore[operator]
            self.ends.add(time)
        self.done.append((time, row))
        return not later


def valid_at(puts: list[tuple[int, Value | None]], time: int) -> Value | None:
    """Of several puts of one time the last."""
    before = [(at, number, row) for number, (at, row) in enumerate(puts) if at <= time]
    return max(before, key=lambda p: p[:2])[2] if before else None


TIMES = st.one_of(st.integers(0, 60), st.sampled_from([25, 30]))
PUTS = st.lists(st.tuples(st.sampled_from([b"a", b"ab"]), TIMES, st.one_of(st.none(), st.integers(0, 9)), st.booleans()), max_size=40)


@given(PUTS)
def test_every_time_that_is_known_has_the_row_that_was_put_for_it(puts: list[tuple[bytes, int, int | None, bool]]) -> None:
    state, versions = states()
    done = {b"a": Puts(), b"ab": Puts()}
    newest = -1
    for key, time, value, commits in puts:
        if time < newest - RETENTION:
            continue
        newest = max(newest, time)
        row = None if value is None else (time, value)
        assert versions.put(key, time, row, newest) is done[key].put(time, row)
        if commits:
            state.store("t-history").expire(max(0, newest - RETENTION))  # type: ignore[union-attr]
            state.commit(state.freeze(), Stamp(1, 1, "me", {}, {}, "", 0))
        for at in range(max(0, newest - RETENTION), newest + 2):
            for asked, history in done.items():
                assert versions.at(asked, at, newest) == valid_at(history.done, at), (asked, at)
    for key, history in done.items():
        present = valid_at(history.done, newest)
        assert state.store("t").get(key) == present
        if present is not None:
            assert versions.at(key, newest - RETENTION - 1, newest) == (present if present[0] < newest - RETENTION else None)  # type: ignore[operator]
