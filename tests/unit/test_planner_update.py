"""What an update does to each node: a table of definitions before and after."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from penstock.errors import RequestError
from penstock.planner.updating.decide import Decision, decide

sys.path.insert(0, str(Path(__file__).parent))

from planning import plan

P = "p: {stream: purchases}\n"
C = "c: {table: customers}\n"
BY = "by: {from: p, group_by: ITEM}\n"
COUNT = BY + "n: {from: by, aggregate: {N: COUNT(*)}}\n"
OUT = "out: {from: n, sink: out}"
CITY = "by: {from: c, group_by: CITY}\nn: {from: by, aggregate: {N: COUNT(*)}}\nout: {from: n, sink: out}"


def decided(before: str, after: str, rebuild_added: bool = False) -> Decision:
    return decide(plan(before), plan(after), rebuild_added)


# (name, before, after, effects that are not KEPT by node, a part of the reason of the first, whether in place)
CASES = [
    ("nothing", P + COUNT + OUT, P + COUNT + OUT, {}, "", True),
    ("a filter of a stream", P + "f: {from: p, filter: PRICE > 1}\nout: {from: f, sink: out}", P + "f: {from: p, filter: PRICE > 2}\nout: {from: f, sink: out}",
     {}, "", True),
    ("a projection", P + "s: {from: p, select: PRICE}\nout: {from: s, sink: out}", P + "s: {from: p, select: [PRICE, ITEM]}\nout: {from: s, sink: out}", {}, "", True),
    ("an added filter before an aggregate", P + "g: {from: p, group_by: {}}\nn: {from: g, aggregate: {N: COUNT(*)}}",
     P + "f: {from: p, filter: PRICE > 2}\ng: {from: f, group_by: {}}\nn: {from: g, aggregate: {N: COUNT(*)}}", {"f": "ADDED"}, "begins empty", True),
    ("an added aggregate", P + COUNT + OUT, P + COUNT + OUT + "\nm: {from: by, aggregate: {S: SUM(PRICE)}}", {"m": "ADDED"}, "", True),
    ("an added column", P + COUNT + OUT, P + BY + "n: {from: by, aggregate: {N: COUNT(*), S: SUM(PRICE)}}\n" + OUT, {}, "", True),
    ("a removed column", P + BY + "n: {from: by, aggregate: {N: COUNT(*), S: SUM(PRICE)}}\n" + OUT, P + COUNT + OUT, {}, "", True),
    ("a changed column", P + COUNT + OUT, P + BY + "n: {from: by, aggregate: {N: SUM(PRICE)}}\n" + OUT, {"n": "REBUILT", "out": "REBUILT", "by": "REBUILT"},
     "N is folded in another way", False),
    ("another group", P + COUNT + OUT, P + "by: {from: p, group_by: COUNT}\nn: {from: by, aggregate: {N: COUNT(*)}}\nout: {from: n, sink: other}",
     {"by": "REBUILT", "n": "REBUILT"}, "", None),
    ("another window", P + BY + "n: {from: by, aggregate: {N: COUNT(*)}, window: {tumbling: 1m}}", P + BY + "n: {from: by, aggregate: {N: COUNT(*)}, window: {tumbling: 2m}}",
     {"n": "REBUILT", "by": "REBUILT"}, "windows", False),
    ("a dropped aggregate", P + COUNT + OUT + "\nm: {from: by, aggregate: {S: SUM(PRICE)}}", P + COUNT + OUT, {"m": "DROPPED"}, "state is deleted", True),
    ("a dropped filter", P + "f: {from: p, filter: PRICE > 1}\nout: {from: f, sink: out}", P + "out: {from: p, sink: out}", {"f": "DROPPED"}, "kept nothing", True),
    ("an added column of a table's aggregate", C + CITY, C + CITY.replace("N: COUNT(*)", "N: COUNT(*), M: COUNT(NAME)"),
     {"n": "REBUILT", "c": "REBUILT", "by": "REBUILT", "out": "REBUILT"}, "taken out of it", False),
    ("a filter of a table before its aggregate", C + "f: {from: c, filter: NAME > 'a'}\n" + CITY.replace("from: c", "from: f"),
     C + "f: {from: c, filter: NAME > 'b'}\n" + CITY.replace("from: c", "from: f"),
     {"n": "REBUILT", "c": "REBUILT", "by": "REBUILT", "out": "REBUILT"}, "other rows of the same table", False),
    ("a filter of a table behind it", C + "f: {from: c, filter: NAME > 'a'}\nout: {from: f, sink: out}", C + "f: {from: c, filter: NAME > 'b'}\nout: {from: f, sink: out}",
     {"out": "REBUILT", "c": "REBUILT"}, "other rows", False),
    ("columns of before on their way", P + "s: {from: p, select: [ITEM, PRICE]}\nby: {from: s, group_by: ITEM}\nn: {from: by, aggregate: {N: COUNT(*)}}",
     P + "s: {from: p, select: [ITEM, PRICE, COUNT]}\nby: {from: s, group_by: ITEM}\nn: {from: by, aggregate: {N: COUNT(*)}}",
     {"by": "REBUILT", "n": "REBUILT"}, "wait in its internal topic", False),
    ("another ttl of ids", P + "d: {from: p, deduplicate: 1m}", P + "d: {from: p, deduplicate: 2m}", {"d": "REBUILT"}, "within_ms", False),
    ("a sub-topology with another first source", P + "t: {from: p, to_table: {}}\nn: {from: q, filter: TRUE}\nq: {stream: keyless}",
     "q: {stream: json}\n".replace("json", "keyless") + "p: {stream: purchases}\nt: {from: p, to_table: {}}\nn: {from: q, filter: TRUE}", {}, "", True),
]


@pytest.mark.parametrize(("before", "after", "effects", "why", "in_place"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_effects(before: str, after: str, effects: dict[str, str], why: str, in_place: bool | None) -> None:
    if in_place is None:
        with pytest.raises(RequestError, match="which an update cannot change"):
            decided(before, after)
        return
    found = decided(before, after)
    assert {c.node: c.effect.value for c in found.changes if c.effect.value != "KEPT"} == effects
    assert (found.plan is not None) is in_place
    reasons = [c.reason for c in found.changes if effects.get(c.node) and not c.reason.endswith("all others with it")]
    assert not why or any(why in r for r in reasons), reasons


def test_added_columns_have_initial_values_and_old_ones_are_read_by_name() -> None:
    before, after = plan(P + COUNT), plan(P + BY + "n: {from: by, aggregate: {columns: {A: AVG(PRICE), N: COUNT(*)}, accumulators: {L: {init: '''x''', add: ITEM}}}}")
    found = decide(before, after).plan
    assert found is not None
    old = next(s for sub in before.subs for s in sub.stores if s.name == "n")
    new = next(s for sub in found.subs for s in sub.stores if s.name == "n")
    assert new.older == ((old.schema_id, ("N.count",)),)
    assert dict(new.initial) == {"A.sum": 0.0, "A.count": 0, "L": "x"}
    again = decide(found, after).plan
    assert again is not None and next(s for sub in again.subs for s in sub.stores if s.name == "n") == new, "what was carried stays"


def test_added_columns_are_computed_anew_when_asked() -> None:
    found = decided(P + COUNT, P + BY + "n: {from: by, aggregate: {N: COUNT(*), S: SUM(PRICE)}}", rebuild_added=True)
    assert found.plan is None and next(c for c in found.changes if c.node == "n").reason == "S is computed from the beginning, as asked"


def test_a_name_whose_topics_are_left_is_not_used_again() -> None:
    first, without = plan(P + COUNT + "\nm: {from: by, aggregate: {S: SUM(PRICE)}}"), plan(P + COUNT)
    second = decide(first, without).plan
    assert second is not None and any(t.endswith("-m-changelog") for t in second.retired)
    with pytest.raises(RequestError, match="m: an earlier update dropped a node of this name"):
        decide(second, first)
