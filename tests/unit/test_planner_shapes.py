"""What a topology becomes: sub-topologies, keys, formats, partitions, names, and what is published."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from penstock.errors import RequestError
from penstock.plan import nodes as n
from penstock.plan.explain import explain
from penstock.plan.resolved import (
    Guarantee,
    InternalTopic,
    OnBadRecord,
    Published,
    ResolvedPlan,
    Updates,
)
from penstock.plan.topics import needs_topics

sys.path.insert(0, str(Path(__file__).parent))

from planning import plan

P = "p: {stream: purchases}\n"
C = "c: {table: customers}\n"
GROUPED = P + "g: {from: p, group_by: ITEM}\n"


def shape(found: ResolvedPlan) -> dict[str, list[str]]:
    """Node names by sub-topology."""
    return {sub.name: [node.name for node in sub.nodes] for sub in found.subs}


def node(found: ResolvedPlan, name: str) -> n.Node:
    """The node of this name."""
    return next(x for sub in found.subs for x in sub.nodes if x.name == name)


def columns(found: ResolvedPlan, name: str) -> str:
    """A node's columns as text."""
    return ", ".join(f"{c.name} {c.type}{' KEY' if c.role.value == 'KEY' else ''}" for c in node(found, name).schema)


# (name, nodes, sub-topologies)
SHAPES = [
    ("one", P + "f: {from: p, filter: PRICE > 1}\ns: {from: f, sink: out}", {"p": ["p", "f", "s"]}),
    ("nodes in any order", "s: {from: f, sink: out}\nf: {from: p, filter: PRICE > 1}\n" + P, {"p": ["p", "f", "s"]}),
    ("two apart", P + "k: {stream: keyless}", {"p": ["p"], "k": ["k"]}),
    ("new key", GROUPED + "a: {from: g, aggregate: {N: COUNT(*)}}",
     {"p": ["p", "g", "g-repartition"], "g-repartition": ["g-repartition", "a"]}),
    ("present key", P + "g: {from: p, group_by: CUSTOMER}\na: {from: g, aggregate: {N: COUNT(*)}}", {"p": ["p", "g", "a"]}),
    ("present key by default", P + "g: {from: p, group_by: []}\na: {from: g, aggregate: {N: COUNT(*)}}", {"p": ["p", "g", "a"]}),
    ("shared repartition", GROUPED + "a: {from: g, aggregate: {N: COUNT(*)}}\nh: {from: p, group_by: ITEM}\n"
     "b: {from: h, aggregate: {M: SUM(PRICE)}}", {"p": ["p", "g", "g-repartition"], "g-repartition": ["g-repartition", "a", "b"]}),
    ("keys that differ each time", P + "g: {from: p, group_by: UUID() AS U}\nh: {from: p, group_by: UUID() AS U}\n"
     "a: {from: g, aggregate: {N: COUNT(*)}}\nb: {from: h, aggregate: {N: COUNT(*)}}",
     {"p": ["p", "g", "g-repartition", "h", "h-repartition"], "g-repartition": ["g-repartition", "a"], "h-repartition": ["h-repartition", "b"]}),
    ("shared source", P + "q: {stream: purchases}\nf: {from: q, filter: PRICE > 1}\ns: {from: f, sink: out}", {"p": ["p", "f", "s"]}),
    ("select of nothing new", P + "x: {from: p, select: ['*']}\ns: {from: x, sink: out}", {"p": ["p", "s"]}),
    ("join", P + C + "j: {from: [p, c], join: left}\ns: {from: j, sink: out}", {"p": ["p", "c", "j", "s"]}),
    ("join by a new key", P + C + "r: {from: p, partition_by: ITEM}\nj: {from: [r, c], join: inner}",
     {"p": ["p", "r", "r-repartition"], "c": ["c", "r-repartition", "j"]}),
    ("join of another key format", P + "d: {table: json_keyed}\nj: {from: [p, d], join: inner}",
     {"p": ["p", "j-rekey", "j-rekey-repartition"], "d": ["d", "j-rekey-repartition", "j"]}),
    ("a stream and its own repartition", P + "t: {from: p, to_table: {}}\nr: {from: p, partition_by: ITEM}\nj: {from: [r, t], join: left}",
     {"p": ["p", "t", "r", "r-repartition", "j"]}),
    ("branch", P + "b: {from: p, branch: {big: PRICE > 9, default: rest}}\ns: {from: b.big, sink: big}\nr: {from: b.rest, sink: small}",
     {"p": ["p", "b", "s", "r"]}),
    ("merge", P + "f: {from: p, filter: PRICE > 9}\nm: {from: [p, f], merge: {}}", {"p": ["p", "f", "m"]}),
    ("table of a table", C + "g: {from: c, group_by: CITY}\na: {from: g, aggregate: {N: COUNT(*)}}\ns: {from: a, sink: out}",
     {"c": ["c", "g", "g-repartition"], "g-repartition": ["g-repartition", "a", "s"]}),
]


@pytest.mark.parametrize(("name", "nodes", "subs"), SHAPES, ids=[s[0] for s in SHAPES])
def test_sub_topologies(name: str, nodes: str, subs: dict[str, list[str]]) -> None:
    found = plan(nodes)
    assert shape(found) == subs
    assert "sub-topology" in explain(found)


# (name, nodes, node, its columns)
SCHEMAS = [
    ("select", P + "x: {from: p, select: [PRICE * 2 AS twice, customer, ITEM]}", "x", "CUSTOMER STRING KEY, TWICE DOUBLE, ITEM STRING"),
    ("select by alias", P + "x: {from: p, select: {twice: PRICE * 2}}", "x", "CUSTOMER STRING KEY, twice DOUBLE"),
    ("select all and more", P + "x: {from: p, select: ['*', PRICE * 2]}", "x",
     "CUSTOMER STRING KEY, ITEM STRING, PRICE DOUBLE, COUNT INT, TAGS ARRAY<STRING>, KSQL_COL_1 DOUBLE"),
    ("copy of a key", P + "x: {from: p, select: [CUSTOMER AS WHO]}", "x", "CUSTOMER STRING KEY, WHO STRING"),
    ("pseudo columns", P + "x: {from: p, select: [ROWTIME AS T, ROWPARTITION AS P, ROWOFFSET AS O]}", "x",
     "CUSTOMER STRING KEY, T BIGINT, P INT, O BIGINT"),
    ("explode", P + "x: {from: p, explode: [EXPLODE(TAGS) AS TAG, PRICE]}", "x", "CUSTOMER STRING KEY, TAG STRING, PRICE DOUBLE"),
    ("old key stays as value", P + "r: {from: p, partition_by: ITEM}", "r",
     "ITEM STRING KEY, PRICE DOUBLE, COUNT INT, TAGS ARRAY<STRING>, CUSTOMER STRING"),
    ("computed key", P + "r: {from: p, partition_by: UCASE(ITEM) AS ITEM}", "r",
     "ITEM STRING KEY, PRICE DOUBLE, COUNT INT, TAGS ARRAY<STRING>, CUSTOMER STRING"),
    ("aggregate", GROUPED + "a: {from: g, aggregate: {N: COUNT(*), T: SUM(COUNT), L: LATEST_BY_OFFSET(CUSTOMER)}}", "a",
     "ITEM STRING KEY, N BIGINT, T INT, L STRING"),
    ("join of all", P + C + "j: {from: [p, c], join: inner}", "j",
     "CUSTOMER STRING KEY, p_ITEM STRING, p_PRICE DOUBLE, p_COUNT INT, p_TAGS ARRAY<STRING>, c_NAME STRING, c_CITY STRING"),
    ("join of some", P + C + "j: {from: [p, c], join: {columns: [customer, c.NAME, CITY AS WHERE_, p.PRICE]}}", "j",
     "CUSTOMER STRING KEY, NAME STRING, WHERE_ STRING, PRICE DOUBLE"),
    ("window columns", GROUPED + "a: {from: g, aggregate: {N: COUNT(*)}, window: {tumbling: 1m}}\nx: {from: a, select: {S: WINDOWSTART}}",
     "x", "ITEM STRING KEY, S BIGINT"),
]


@pytest.mark.parametrize(("name", "nodes", "of", "expected"), SCHEMAS, ids=[s[0] for s in SCHEMAS])
def test_columns(name: str, nodes: str, of: str, expected: str) -> None:
    assert columns(plan(nodes), of) == expected


def test_internal_names_and_partitions() -> None:
    found = plan(GROUPED + "a: {from: g, aggregate: {N: COUNT(*), S: SUM(PRICE)}, window: {tumbling: 1m, grace: 10s, retention: 1h}}")
    assert found.internal == (
        InternalTopic("penstock-t-7-g-repartition", 4, compact=False, retention_ms=-1),
        InternalTopic("penstock-t-7-a-changelog", 4, compact=True, retention_ms=3_600_000 + 86_400_000),
        InternalTopic("penstock-t-7-g-repartition-scalars-changelog", 4, compact=True, retention_ms=-1),
        InternalTopic("penstock-t-7-dead-letter", 1, compact=False, retention_ms=604_800_000),
    )
    store = found.subs[1].stores[0]
    assert (store.name, store.kind, store.fields, store.retention_ms) == ("a", n.StoreKind.WINDOW, ("N.count", "S.sum"), 3_600_000)
    assert found.subs[0].scalars is None and found.subs[1].scalars is not None
    assert found.group == "penstock-t-7"


def test_a_repartition_takes_the_partitions_that_it_meets() -> None:
    found = plan("p: {stream: {columns: [A STRING], partitions: 6}}\nr: {from: p, partition_by: A}\nd: {table: three}\nj: {from: [r, d], join: inner}")
    repartition = node(found, "r-repartition")
    assert isinstance(repartition, n.Repartition)
    assert (repartition.topic.partitions, [s.partitions for s in found.subs]) == (3, [6, 3])


@pytest.mark.parametrize(("key", "expected"), [
    ("ITEM", "KAFKA"), ("[ITEM, COUNT]", "JSON"), ("TAGS", "JSON"), ("[PRICE > 1 AS BIG]", "JSON"),
])
def test_format_of_a_new_key(key: str, expected: str) -> None:
    made = node(plan(P + f"r: {{from: p, partition_by: {key}}}"), "r")
    assert isinstance(made, n.PartitionBy)
    assert made.key_format.name == expected


def test_sinks_inherit_formats_and_take_existing_topics() -> None:
    declared = "p: {stream: {columns: [A STRING KEY, B INT], partitions: 2, key_format: JSON, value_format: {name: DELIMITED, delimiter: ';'}}}\n"
    found = plan(declared + "s: {from: p, sink: out}\nt: {from: p, sink: {relation: more, topic: other, value_format: JSON}}")
    out, more = node(found, "s"), node(found, "t")
    assert isinstance(out, n.Sink) and isinstance(more, n.Sink)
    assert out.topic == n.TopicRef("out", 2, n.Format("JSON"), n.Format("DELIMITED", (("DELIMITER", ";"),)))
    assert more.topic == n.TopicRef("other", 6, n.Format("JSON"), n.Format("JSON"))
    needs = needs_topics(found)
    assert [t.topic for t in needs.create] == ["p", "out"]
    assert [t.topic for t in needs.exist] == ["other"]


def published(found: ResolvedPlan, name: str) -> Published:
    return next(p for p in found.published if p.name == name)


def test_published() -> None:
    found = plan(GROUPED + "a: {from: g, aggregate: {N: COUNT(*)}, window: {tumbling: 1m}}\nf: {from: a, filter: N > 1}\n"
                 "x: {from: f, select: {M: N + 1}}\ns: {from: x, sink: out}\ni: {stream: {columns: [A INT], partitions: 1}}\n" + C)
    assert {(p.name, p.in_catalog) for p in found.published} == {
        ("out", True), ("i", True), ("t.a", False), ("t.c", False), ("t.dead_letter", False)}
    out = published(found, "out")
    assert (out.node, out.sub, out.store) == ("s", "g-repartition", "a")
    assert out.window is not None and out.topic is not None and out.topic.window == out.window
    assert out.key_format == n.Format("KAFKA")
    letters = published(found, "t.dead_letter")
    assert letters.topic is not None and letters.topic.topic == found.dead_letter_topic
    assert published(found, "i").store == ""


def test_settings() -> None:
    head = "topology: t\nsettings: {guarantee: at_least_once, commit_interval: 1s, on_bad_record: fail, updates: every}"
    settings = plan(P, head).settings
    assert settings.guarantee is Guarantee.AT_LEAST_ONCE
    assert (settings.commit_interval_ms, settings.on_bad_record, settings.updates) == (1000, OnBadRecord.FAIL, Updates.EVERY)


def test_start() -> None:
    source = node(plan("p: {stream: purchases, start: latest}"), "p")
    assert isinstance(source, n.SourceStream)
    assert source.start.start is n.Start.LATEST


def test_equal_stores_have_equal_schema_ids_and_others_do_not() -> None:
    ids = {call: plan(GROUPED + f"a: {{from: g, aggregate: {{N: {call}}}}}").subs[1].stores[0].schema_id
           for call in ("COUNT(*)", "SUM(PRICE)", "SUM(COUNT)")}
    assert len(set(ids.values())) == 3
    assert ids["COUNT(*)"] == plan(GROUPED + "b: {from: g, aggregate: {N: COUNT(*)}}").subs[1].stores[0].schema_id


def test_keys_of_a_topic_may_be_windowed() -> None:
    """What another program's windowed aggregate wrote is read with its windows."""
    made = plan("""
seen: {table: {columns: [ID STRING KEY, N BIGINT], topic: minutes, partitions: 1, window: {tumbling: 1m}}}
visits: {stream: {columns: [ID STRING KEY, N BIGINT], topic: sessions, partitions: 1, window: session}}
out: {from: visits, sink: o}""")
    seen, visits = (next(x for sub in made.subs for x in sub.nodes if x.name == name) for name in ("seen", "visits"))
    assert isinstance(seen, n.SourceTable) and isinstance(visits, n.SourceStream)
    assert seen.window is not None and (seen.window.kind.value, seen.window.size_ms) == ("TUMBLING", 60_000) and seen.store.kind.value == "WINDOW"
    assert visits.window is not None and visits.window.kind.value == "SESSION" and visits.topic.window == visits.window
    for window, why in (("{sliding: 1m}", "tumbling or hopping"), ("{tumbling: soon}", "no duration"), ("{kind: WINDOW_KIND_TUMBLING}", "size is 1 ms or more")):
        with pytest.raises(RequestError, match=why):
            plan(f"seen: {{table: {{columns: [ID STRING KEY, N BIGINT], topic: minutes, partitions: 1, window: {window}}}}}")
