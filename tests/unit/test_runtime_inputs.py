"""What a sub-topology reads, as topics come and go."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from penstock.errors import RequestError
from penstock.log.port import TopicInfo
from penstock.plan.resolved import ResolvedPlan
from penstock.planner import plan_topology
from penstock.planner.definition import load_topology
from penstock.runtime.inputs import discover, planned

sys.path.insert(0, str(Path(__file__).parent))

from planning import KnownRelations

STATELESS = """
topology: t
nodes:
  sales: {stream: {pattern: "sales-.*", columns: [ID STRING KEY, V INT]}}
  more: {stream: {pattern: ".*-north", columns: [ID STRING KEY, V INT]}}
  all: {from: sales, sink: sales-out}
  rest: {from: more, sink: rest}
"""
COUNTED = """
topology: t
nodes:
  sales: {stream: {pattern: "sales-.*", columns: [ID STRING KEY, V INT]}}
  by_id: {from: sales, group_by: {}}
  counts: {from: by_id, aggregate: {N: COUNT(*)}}
  out: {from: counts, sink: counts}
"""


def a_plan(text: str, **topics: int) -> ResolvedPlan:
    return plan_topology(load_topology(text), KnownRelations([], {t.replace("_", "-"): n for t, n in topics.items()}), service_id="svc", incarnation=1)


def found(plan: ResolvedPlan, **topics: int) -> tuple[dict[str, list[str]], list[str]]:
    """Topics by sub-topology, and why others are left out."""
    result = discover(plan, {t.replace("_", "-"): TopicInfo(t.replace("_", "-"), t, n) for t, n in topics.items()})
    return {plan.subs[n].name: [i.topic for i in inputs] for n, inputs in result.inputs.items()}, list(result.left_out)


def test_new_topics_go_to_the_first_source_that_matches() -> None:
    plan = a_plan(STATELESS, sales_a=2, bills_north=2)
    assert found(plan, sales_a=2, bills_north=2, sales_north=2, far_north=1, other=9, sales_out=2, svc_sales_x_north=2) == (
        {"sales": ["sales-a", "sales-north"], "more": ["bills-north", "far-north"]}, [])


def test_new_topics_are_read_as_the_first_and_from_their_beginning() -> None:
    plan = a_plan(STATELESS, sales_a=2, bills_north=2)
    (_, fresh) = discover(plan, {t: TopicInfo(t, t, 2) for t in ("sales-a", "sales-b", "bills-north")}).inputs[0]
    assert (fresh.topic, fresh.like, fresh.start.start.value) == ("sales-b", "sales-a", "EARLIEST")


def test_a_topic_that_is_gone_is_no_longer_read() -> None:
    plan = a_plan(STATELESS, sales_a=2, sales_b=2, bills_north=2)
    assert found(plan, sales_b=2, bills_north=2)[0]["sales"] == ["sales-b"]


def test_a_topic_with_other_partitions_is_left_out_where_keys_meet_and_where_there_are_more() -> None:
    plan = a_plan(COUNTED, sales_a=4)
    assert found(plan, sales_a=4, sales_b=4, sales_c=2) == ({"sales": ["sales-a", "sales-b"]}, [
        "topic sales-c matches sales and is not read: it has 2 partitions, and the sub-topology sales 4 tasks"])
    assert len(found(a_plan(STATELESS, sales_a=2, x_north=1), sales_a=2, x_north=1, sales_b=3)[1]) == 1


def test_topics_of_a_plan_may_differ_where_no_keys_meet() -> None:
    plan = a_plan(STATELESS, sales_a=2, sales_b=3, x_north=1)
    assert plan.subs[0].partitions == 3
    assert [(i.topic, i.partitions) for i in planned(plan.subs[0])] == [("sales-a", 2), ("sales-b", 3)]
    with pytest.raises(RequestError, match="sales-a has 2 partitions and sales-b has 3") as refused:
        a_plan(COUNTED, sales_a=2, sales_b=3)
    assert refused.value.reason == "CO_PARTITIONING"
