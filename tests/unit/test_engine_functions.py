"""Functions that programs compute, in the test driver: which calls go out, what comes of their results, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from penstock.engine.processors.bundles import Bundle, InvalidResult, OutputRows, Result, Rows, Shape
from penstock.expr.remote import RemoteFunction
from penstock.planner.definition import relation_of
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.relations import FixedRelations, relation_info
from penstock.types.sqltype import BIGINT, STRING
from penstock_client import functions as sdk
from penstock_client.declare import function
from penstock_client.processing import Failed, RetryBundle

READINGS = [relation_info(relation_of({"stream": "readings", "columns": ["K STRING KEY", "V BIGINT", "T STRING"]}))]
TWICE = RemoteFunction("TWICE", (BIGINT,), BIGINT, deterministic=True, cache_rows=2)
NAMED = RemoteFunction("NAMED", (STRING, BIGINT), STRING, version=3, nulls=True)
NODES = """
topology: t
nodes:
  readings: {stream: readings}
  big: {from: readings, filter: TWICE(V) > 4}
  named: {from: big, select: ["NAMED(T, TWICE(V) + 1) AS N", "CASE WHEN V = 3 THEN TWICE(V) ELSE CAST(0 AS BIGINT) END AS D"]}
  out: {from: named, sink: out}
"""


class Program:
    """Stands for one, of a function of a call's arguments, and notes the calls of each bundle; a call that raises is a bad row."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.bundles = function, []  # type: ignore[var-annotated]

    def __call__(self, shape: Shape, bundle: Bundle) -> Result:
        self.bundles.append(list(bundle.input.rows))
        found, poison = {}, {}
        for at, arguments in enumerate(bundle.input.rows):
            try:
                found[at] = (self.function(*arguments),)
            except ValueError as e:
                poison[at] = str(e)
        return Result([OutputRows("result", Rows(list(found.values())), list(found))], poison=poison)


def driver(nodes: str, **programs: Callable[[Shape, Bundle], Result]) -> TopologyTestDriver:
    return TopologyTestDriver(nodes, FixedRelations(READINGS, functions=[TWICE, NAMED]), programs={k.replace("_", "/"): p for k, p in programs.items()})


def twice(value: int) -> int:
    if value == 13:
        raise ValueError("13 is unlucky")
    return 2 * value


def test_calls_go_out_in_bundles_and_results_take_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, names = Program(twice), Program(lambda text, value: f"{text} {value}")
    run = driver(NODES, TWICE_1=calls, NAMED_3=names)
    monkeypatch.setattr(run, "_process", lambda process=run._process: None)
    values: Sequence[tuple[str, dict[str, object] | None]] = [
        ("a", {"V": 3, "T": "x"}), ("b", {"V": 3}), ("a", {"V": 1}), ("c", {"V": None, "T": "no"}), ("d", {"V": 13}), ("e", None), ("a", {"V": 5, "T": "y"})]
    for at, (key, value) in enumerate(values):
        run.append("readings", key=key, value=value, timestamp=at, headers=[("h", b"1")])
    monkeypatch.undo()
    run.append("readings", key="f", value={"V": 5}, timestamp=9)
    found = [(r.key, r.value, r.timestamp) for r in run.read_output("out")]
    assert found == [("a", {"N": "x 7", "D": 6}, 0), ("b", {"N": "None 7", "D": 6}, 1), ("a", {"N": "y 11", "D": 0}, 6), ("f", {"N": "None 11", "D": 0}, 9)]
    assert [(bad.node, bad.reason, bad.record.timestamp) for bad in run.dead_letters] == [("big-call-1", "13 is unlucky", 4)]
    assert calls.bundles[0] == [(3,), (1,), (13,), (5,)]  # equal ones once, null none
    assert all(len(bundle) == len(set(bundle)) for bundle in calls.bundles) and names.bundles[0][0] == ("x", 7)


def test_kept_results_are_not_asked_for_again() -> None:
    calls = Program(twice)
    run = driver("topology: t\nnodes:\n  readings: {stream: readings}\n  s: {from: readings, select: [TWICE(V) AS D]}\n  out: {from: s, sink: out}\n", TWICE_1=calls)
    for value in (1, 2, 1, 2, 3, 1):  # two are kept: 3 takes the place of 1
        run.append("readings", key="k", value={"V": value}, timestamp=1)
    assert [r.value["D"] for r in run.read_output("out") if r.value] == [2, 4, 2, 4, 6, 2]
    assert calls.bundles == [[(1,)], [(2,)], [(3,)], [(1,)]]


@pytest.mark.parametrize(("result", "why"), [
    (Result(), "one output, result"),
    (Result([OutputRows("else", Rows([(1,)]), [0])]), "one output, result"),
    (Result([OutputRows("result", Rows([]), [])]), "0 for 1 calls"),
    (Result([OutputRows("result", Rows([(1,)]), [0])], {"s": Rows([])}), "no state"),
])
def test_answers_that_do_not_fit(result: Result, why: str) -> None:
    run = driver(NODES, TWICE_1=lambda shape, bundle: result)
    with pytest.raises(InvalidResult, match=why):
        run.append("readings", key="a", value={"V": 1}, timestamp=1)


def test_functions_of_the_python_client() -> None:
    class Whole:
        def compute(self, columns: Sequence[Sequence[Any]]) -> Sequence[Any]:
            return [sum(pair) for pair in zip(*columns, strict=True)][: 2 if columns[0][0] else 0]

    def later() -> None:
        raise RetryBundle

    assert sdk.results(twice, [[1, 2]], 2) == [2, 4] and sdk.results(Whole(), [[1, 2], [3, 4]], 2) == [4, 6]
    bad = sdk.results(twice, [[1, 13, 2]], 3)
    assert isinstance(bad, Failed) and bad.rows == (1,) and "unlucky" in bad.reason
    short = sdk.results(Whole(), [[0, 2], [3, 4]], 2)
    assert isinstance(short, Failed) and short.rows == () and "0 results for 2 rows" in short.reason
    again = sdk.results(lambda value: later(), [[1]], 1)
    assert isinstance(again, Failed) and again.rows == () and "another try" in again.reason
    assert sdk.served("twice/2") == ("TWICE", 2) and [a.sql for a in function("F", "STRING, DECIMAL(4, 2) -> INT").arguments] == ["STRING", "DECIMAL(4, 2)"]
    with pytest.raises(ValueError, match="no signature"):
        function("F", "STRING")
