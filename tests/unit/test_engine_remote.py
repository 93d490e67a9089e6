"""A remote processor in the test driver: what is handed out, what is applied, and what is refused before anything is."""

from __future__ import annotations

import pytest
from penstock.engine.processors.bundles import Bundle, InvalidResult, OutputRows, Result, Rows, Shape
from penstock.engine.processors.timers import Timer, TimerChange, TimerClock
from penstock.errors import RequestError
from penstock.planner.definition import relation_of
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.relations import relation_info
from penstock_client.processing import Bundle as SdkBundle
from penstock_client.processing import Clock, Context, run
from penstock_client.processing import Timer as SdkTimer
from penstock_client.row import Row

READINGS = [relation_info(relation_of({"stream": "readings", "columns": ["K STRING KEY", "V BIGINT", "T STRING"]}))]
NODES = """
topology: t
nodes:
  readings: {stream: readings}
  scored:
    from: readings
    remote_processor:
      processor: score
      config: {model: v3}
      outputs: {scores: {columns: [K STRING KEY, SCORE BIGINT], keeps_key: true}, odd: [V BIGINT KEY, K STRING]}
      stores: {seen: [N BIGINT]}
  scores_out: {from: scored.scores, sink: scores}
  odd_out: {from: scored.odd, sink: odd}
"""


def score(shape: Shape, bundle: Bundle) -> Result:
    """Counts by key; odd values go to `odd`, values over 100 are bad."""
    seen = {row[0]: row[1] for row in bundle.state["seen"]}
    scores, causes, odd, odd_causes, poison = [], [], [], [], {}
    for at, (key, value, _, _) in enumerate(bundle.input.rows):
        if value is not None and value > 100:
            poison[at] = f"{value} is over 100"
            continue
        seen[key] = seen.get(key, 0) + 1
        scores.append((key, seen[key], None))
        causes.append(at)
        if value is not None and value % 2:
            odd.append((value, key, 5))
            odd_causes.append(at)
    gone = frozenset(i for i, c in enumerate(causes) if c in bundle.input.gone)
    return Result([OutputRows("scores", Rows(scores, gone), causes), OutputRows("odd", Rows(odd), odd_causes)],
                  {"seen": Rows(list(seen.items()), frozenset(i for i, n in enumerate(seen.values()) if n > 2))}, poison)


def test_rows_go_out_and_what_comes_back_is_applied() -> None:
    driver = TopologyTestDriver(NODES, READINGS, programs={"score": score})
    for at, (key, value) in enumerate([("a", {"V": 1}), ("b", {"V": 2}), ("a", {"V": 101}), ("a", None), ("b", {"V": 4}), ("b", {"V": 6})]):
        driver.append("readings", key=key, value=value, timestamp=1000 + at, headers=[("h", b"x")])
    found = [(r.key, None if r.value is None else r.value["SCORE"], r.timestamp) for r in driver.read_output("scores")]
    assert found == [("a", 1, 1000), ("b", 1, 1001), ("a", None, 1003), ("b", 2, 1004), ("b", 3, 1005)]
    (odd,) = driver.read_output("odd")
    assert (odd.key, odd.value, odd.timestamp, list(odd.headers)) == (1, {"K": "a"}, 5, [("h", b"x")])
    assert [(bad.node, bad.reason) for bad in driver.dead_letters] == [("scored", "101 is over 100")]
    assert [(row.key, row.values) for row in driver.read_store("scored.seen")] == [(("a",), (2,))]


@pytest.mark.parametrize(("result", "why"), [
    (Result([OutputRows("nowhere", Rows([]), [])]), "no output nowhere"),
    (Result([OutputRows("odd", Rows([(1, "a", None)]), [0]), OutputRows("odd", Rows([]), [])]), "comes twice"),
    (Result([OutputRows("odd", Rows([(1, "a", None)]), [])]), "1 rows and 0 causes"),
    (Result([OutputRows("odd", Rows([(1, "a", None)]), [1])]), "no row of the bundle"),
    (Result([OutputRows("scores", Rows([("b", 1, None)]), [0])]), "not that of its cause"),
    (Result(state={"else": Rows([("a", 1)])}), "no store else"),
    (Result(state={"seen": Rows([("b", 1)])}), "none of the bundle's"),
    (Result(state={"seen": Rows([(None, 1)])}), "none of the bundle's"),
])
def test_a_result_that_does_not_fit(result: Result, why: str) -> None:
    driver = TopologyTestDriver(NODES, READINGS, programs={"score": lambda shape, bundle: result})
    with pytest.raises(InvalidResult, match=why):
        driver.append("readings", key="a", value={"V": 1}, timestamp=1)
    assert driver.records("odd") == [] and driver.read_store("scored.seen") == []


REMINDERS = """
topology: t
nodes:
  readings: {stream: readings}
  watched: {from: readings, remote_processor: {processor: watch, outputs: {told: {columns: [K STRING KEY, WHAT STRING], keeps_key: true}}, stores: {n: [N BIGINT]}, timers: true}}
  told_out: {from: watched.told, sink: told}
"""


class Watch:
    """A program of the driver: each row sets the key's `quiet` 10 ms on, 100 tells the clock, 0 cancels; a timer tells, and bad ones are bad."""

    def __init__(self) -> None:
        self.bundles: list[tuple[int, int]] = []

    def __call__(self, shape: Shape, bundle: Bundle) -> Result:
        self.bundles.append((len(bundle.timers), len(bundle.input.rows)))
        before = {row[0]: row[1] for row in bundle.state["n"]}
        told = [((t.key[0], f"{t.name or 'at'} {t.at} {before.get(t.key[0])}", None), i) for i, t in enumerate(bundle.timers) if t.name != "bad"]
        bad = {i: "a bad one" for i, t in enumerate(bundle.timers) if t.name == "bad"}
        changes = []
        for key, value, text, at in bundle.input.rows:
            if text == "clock":
                changes.append(TimerChange(Timer((key,), "", value, TimerClock.WALL_CLOCK)))
            elif text == "at":
                changes.append(TimerChange(Timer((key,), "", value)))
            elif text == "cancel":
                changes.append(TimerChange(Timer((key,), "quiet", 0), cancel=True))
            else:
                changes.append(TimerChange(Timer((key,), text or "quiet", at + 10)))
        state = {key: before.get(key, 0) + 1 for key, _, _, _ in bundle.input.rows}
        return Result([OutputRows("told", Rows([row for row, _ in told]), [i for _, i in told])], {"n": Rows(list(state.items()))}, timers=changes, bad_timers=bad)


def test_timers_come_when_they_are_due_with_the_state_of_their_key() -> None:
    watch = Watch()
    driver = TopologyTestDriver(REMINDERS, READINGS, programs={"watch": watch}, start_ms=1000)

    def append(key: str, at: int, text: str | None = None, value: int = 0) -> list[tuple[object, str, int]]:
        driver.append("readings", key=key, value={"V": value, "T": text}, timestamp=at)
        return told()

    def told() -> list[tuple[object, str, int]]:
        return [(r.key, r.value["WHAT"], r.timestamp) for r in driver.read_output("told") if r.value]

    assert append("a", 100) == [] and append("b", 105) == []
    assert append("a", 109) == []  # a's one of that name is 119 now
    assert append("c", 115) == [("b", "quiet 115 1", 115)]
    driver.restart()
    assert append("d", 117, "cancel") == []
    assert append("c", 118, "cancel") == []
    assert append("d", 130, "bad") == [("a", "quiet 119 2", 119)]
    assert append("e", 10, "at", 140) == [] and append("e", 11, "at", 139) == [] and append("e", 12, "at", 139) == []
    assert append("f", 139) == [("e", "at 139 3", 139)]  # f's is 149; that of e at 140 is another
    assert driver.dead_letters == []
    assert append("g", 20, "at", 5) == [("g", "at 5 1", 5)]  # it is past: due at once
    assert append("f", 160, "cancel") == [("e", "at 140 3", 140)]
    assert [(bad.node, bad.reason, bad.record.key, bad.record.timestamp) for bad in driver.dead_letters] == [("watched", "a bad one", b"d", 140)]
    assert append("h", 1, "clock", 1500) == []
    driver.restart()
    driver.advance_time(499)
    assert told() == []
    driver.advance_time(1)
    assert told() == [("h", "at 1500 1", 1500)]
    assert watch.bundles[-1] == (1, 0)


@pytest.mark.parametrize(("change", "why"), [
    (Timer(("b",), "", 1), "none of the bundle's"),
    (Timer((None,), "", 1), "none of the bundle's"),
    (Timer(("a",), "", -1), "0 or more"),
    (Timer(("a",), "x" * 129, 1), "at most 128"),
])
def test_timers_that_do_not_fit(change: Timer, why: str) -> None:
    driver = TopologyTestDriver(REMINDERS, READINGS, programs={"watch": lambda shape, bundle: Result(timers=[TimerChange(change)])})
    with pytest.raises(InvalidResult, match=why):
        driver.append("readings", key="a", value={"V": 1}, timestamp=1)
    without = TopologyTestDriver(NODES, READINGS, programs={"score": lambda shape, bundle: Result(timers=[TimerChange(Timer(("a",), "", 1))])})
    with pytest.raises(InvalidResult, match="has no timers"):
        without.append("readings", key="a", value={"V": 1}, timestamp=1)


def test_without_a_program() -> None:
    with pytest.raises(RequestError, match="programs="):
        TopologyTestDriver(NODES, READINGS).append("readings", key="a", value={"V": 1}, timestamp=1)


def test_a_handler_is_tried_without_a_service() -> None:
    def totals(row: Row, context: Context) -> None:
        sum_before = (context.state("totals") or {"TOTAL": 0})["TOTAL"]
        context.put("totals", {"TOTAL": sum_before + row["price"]} if row["price"] else None)
        context.send("sums", {"total": sum_before + row["price"]})

    ways = {"columns": "CUSTOMER STRING KEY, PRICE BIGINT", "outputs": {"sums": "CUSTOMER STRING KEY, TOTAL BIGINT"}, "stores": {"totals": "TOTAL BIGINT"}}
    done = run(totals, [{"CUSTOMER": "a", "PRICE": 2}, {"CUSTOMER": "b", "PRICE": 0}, {"CUSTOMER": "a", "PRICE": 3}], **ways,
               state={"totals": [{"CUSTOMER": "a", "TOTAL": 10}, {"CUSTOMER": "b", "TOTAL": 4}]})
    assert [row["TOTAL"] for row in done.sent()["sums"] if row] == [12, 4, 15]
    assert done.changed() == {"totals": {("a",): {"CUSTOMER": "a", "TOTAL": 15}, ("b",): None}}
    with pytest.raises(AssertionError, match="no column COST"):
        run(lambda row, context: context.send("sums", {"COST": 1}), [{"CUSTOMER": "a"}], **ways)
    with pytest.raises(AssertionError, match="has no store sums"):
        run(lambda row, context: context.put("sums", {}), [{"CUSTOMER": "a"}], **ways)


def test_rows_are_sent_by_column_too() -> None:
    class Scored:
        def process_bundle(self, bundle: SdkBundle) -> None:
            bundle.send("odd", None, 1, key={"V": 8})
            bundle.send_columns("odd", {"V": [7, 6], "k": [None, "own"]}, [2, 0])
            bundle.send("odd", {"V": 5}, 2, timestamp=50)
            bundle.send_columns("scores", {"SCORE": [10 * v for v in bundle.rows.column("V")]})

    ways = {"scores": "K STRING KEY, SCORE BIGINT", "odd": "V BIGINT KEY, K STRING"}
    done = run(Scored(), [{"K": "a", "V": 1}, {"K": "b", "V": 2}, {"K": "c", "V": 3}], "K STRING KEY, V BIGINT", ways)
    assert done.sent() == {
        "odd": [{"V": 6, "K": "own", "ROWTIME": None}, None, {"V": 7, "K": None, "ROWTIME": None}, {"V": 5, "K": None, "ROWTIME": 50}],
        "scores": [{"K": key, "SCORE": score, "ROWTIME": None} for key, score in (("a", 10), ("b", 20), ("c", 30))]}
    for columns, causes, why in (({"X": []}, [], "no column X"), ({"K": ["a"]}, None, "1 values for 3 rows"), ({"K": ["a"]}, [3], "cause 3 is no row")):
        with pytest.raises((KeyError, ValueError, IndexError), match=why):
            done.send_columns("scores", columns, causes)


def test_keys_of_arrays_and_structs_have_state_too() -> None:
    readings = [relation_info(relation_of({"stream": "readings", "columns": ["K ARRAY<INT> KEY", "V BIGINT"], "key_format": "JSON"}))]
    nodes = NODES.replace("K STRING KEY, SCORE BIGINT", "K ARRAY<INT> KEY, SCORE BIGINT").replace("K STRING]", "K ARRAY<INT>]")

    def count(shape: Shape, bundle: Bundle) -> Result:
        seen = bundle.state["seen"][0][1] if bundle.state["seen"] else 0
        ((key, _, _),) = bundle.input.rows
        return Result([OutputRows("scores", Rows([(key, seen + 1, None)]), [0])], {"seen": Rows([(key, seen + 1)])})

    driver = TopologyTestDriver(nodes, readings, programs={"score": count})
    for key in (b"[1,2]", b"[1]", b"[1,2]"):
        driver.append("readings", key=key, value={"V": 1}, timestamp=1)
    assert driver.dead_letters == []
    assert [(r.key, r.value) for r in driver.read_output("scores")] == [([1, 2], {"SCORE": 1}), ([1], {"SCORE": 1}), ([1, 2], {"SCORE": 2})]
    assert sorted((row.key, row.values) for row in driver.read_store("scored.seen")) == [(([1],), (1,)), (([1, 2],), (2,))]
    driver = TopologyTestDriver(nodes, readings, programs={"score": lambda shape, bundle: Result(state={"seen": Rows([([9], 1)])})})
    with pytest.raises(InvalidResult, match="none of the bundle's"):
        driver.append("readings", key=b"[1]", value={"V": 1}, timestamp=1)
    tried = run(lambda row, context: context.put("n", {"N": (context.state("n") or {"N": 0})["N"] + 1} if row["V"] else None),
                [{"K": [1], "V": 1}, {"K": [1], "V": 1}, {"K": [2], "V": 0}], "K ARRAY<INT> KEY, V INT", {}, {"n": "N INT"})
    assert tried.changed() == {"n": {((1,),): {"K": [1], "N": 2}, ((2,),): None}}


def test_a_handler_with_timers_is_tried_without_a_service() -> None:
    class Silence:
        def __call__(self, row: Row, context: Context) -> None:
            if row["V"] == 0:
                context.cancel_timer("silent")
            else:
                context.set_timer(row["V"] + 60, "silent")
                context.set_timer(row["V"], clock=Clock.WALL_CLOCK)

        def on_timer(self, timer: SdkTimer, context: Context) -> None:
            context.cancel_timer("other")
            context.send("alerts", {"AT": timer.at, "N": (context.state("n") or {"N": 0})["N"]})

    due = [SdkTimer(("a",), 70, "silent"), SdkTimer(("a",), 71, "other"), SdkTimer(("b",), 72)]
    done = run(Silence(), [{"K": "c", "V": 5}, {"K": "c", "V": 0}], "K STRING KEY, V BIGINT", {"alerts": "K STRING KEY, AT BIGINT, N BIGINT"}, {"n": "N BIGINT"},
               {"n": [{"K": "a", "N": 3}]}, timers=due)
    assert [(row["K"], row["AT"], row["N"]) for row in done.sent()["alerts"] if row] == [("a", 70, 3), ("b", 72, 0)]
    assert done.changed_timers[2:] == [
        (SdkTimer(("c",), 65, "silent"), True), (SdkTimer(("c",), 5, "", Clock.WALL_CLOCK), True), (SdkTimer(("c",), 0, "silent"), False)]
    with pytest.raises(AssertionError, match="no on_timer"):
        run(lambda row, context: None, [], "K STRING KEY", {}, timers=due)
