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


def valid_at(puts: list[tuple[int, Value | None]], time: int) -> Value | None:
    """Of several puts of one time the last."""
    before = [(at, number, row) for number, (at, row) in enumerate(puts) if at <= time]
    return max(before, key=lambda p: p[:2])[2] if before else None


PUTS = st.lists(st.tuples(st.sampled_from([b"a", b"ab"]), st.integers(0, 60), st.one_of(st.none(), st.integers(0, 9)), st.booleans()), max_size=40)


@given(PUTS)
def test_every_time_that_is_known_has_the_row_that_was_put_for_it(puts: list[tuple[bytes, int, int | None, bool]]) -> None:
    state, versions = states()
    done: dict[bytes, list[tuple[int, Value | None]]] = {b"a": [], b"ab": []}
    newest = -1
    for key, time, value, commits in puts:
        if time < newest - RETENTION:
            continue
        newest = max(newest, time)
        row = None if value is None else (time, value)
        latest = all(at <= time for at, _ in done[key])
        assert versions.put(key, time, row, newest) is latest
        done[key].append((time, row))
        if commits:
            state.store("t-history").expire(max(0, newest - RETENTION))  # type: ignore[union-attr]
            state.commit(state.freeze(), Stamp(1, 1, "me", {}, {}, "", 0))
        for at in range(max(0, newest - RETENTION), newest + 2):
            for asked, history in done.items():
                assert versions.at(asked, at, newest) == valid_at(history, at), (asked, at)
    for key, history in done.items():
        present = valid_at(history, newest)
        assert state.store("t").get(key) == present
        if present is not None:
            assert versions.at(key, newest - RETENTION - 1, newest) == (present if present[0] < newest - RETENTION else None)  # type: ignore[operator]
