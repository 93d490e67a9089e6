"""Each rewrite rule, before and after: nodes as `name <- inputs`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from penstock.plan.nodes import SourceTable
from penstock.planner.definition import load_topology
from penstock.planner.logical.build import build
from penstock.planner.logical.flow import Context, Logical
from penstock.planner.rules import RULES
from penstock.planner.rules.cut_functions import cut_functions
from penstock.planner.rules.drop_select import drop_select
from penstock.planner.rules.keep_key import keep_key
from penstock.planner.rules.keep_null_keys import keep_null_keys
from penstock.planner.rules.keep_places import keep_places
from penstock.planner.rules.share_groups import share_groups
from penstock.planner.rules.share_sources import share_sources
from penstock.planner.validate import validate

sys.path.insert(0, str(Path(__file__).parent))

from planning import relations

Rule = Callable[[Logical], Logical]


def shown(logical: Logical) -> list[str]:
    """A node a line; `+key` where the key of a group_by stays, `-null` where a repartition drops null keys, `+NAME` for places that a table
    keeps."""
    marks = [" +key" if not getattr(n, "rekey", True) else " -null" if getattr(n, "drops_null_keys", False) else "".join(
        f" +{name}" for name in n.store.fields if name.startswith("ROW")) if isinstance(n, SourceTable) else "" for n in logical.nodes]
    return [f"{n.name} <- {' '.join(n.inputs)}{mark}".removesuffix(" <- ") for n, mark in zip(logical.nodes, marks, strict=True)]


# (rule, nodes, before, after)
CASES: list[tuple[Rule, str, list[str], list[str]]] = [
    (share_sources, "  p: {stream: purchases}\n  q: {stream: purchases}\n  f: {from: q, filter: TRUE}",
     ["p", "q", "f <- q"], ["p", "f <- p"]),
    (share_sources, "  p: {stream: purchases}\n  k: {stream: keyless}", ["p", "k"], ["p", "k"]),
    (drop_select, ("  p: {stream: purchases}\n  s: {from: p, select: [ITEM, PRICE, COUNT, TAGS]}\n  t: {from: s, select: '*'}\n"
     "  f: {from: t, filter: TRUE}"), ["p", "s <- p", "t <- s", "f <- t"], ["p", "f <- p"]),
    (drop_select, "  p: {stream: purchases}\n  s: {from: p, select: [PRICE, ITEM, COUNT, TAGS]}", ["p", "s <- p"], ["p", "s <- p"]),
    (drop_select, "  p: {stream: purchases}\n  s: {from: p, select: [ITEM, PRICE, COUNT, UCASE(ITEM) AS TAGS]}", ["p", "s <- p"], ["p", "s <- p"]),
    (drop_select, "  p: {stream: purchases}\n  b: {from: p, branch: {x: TRUE}}\n  s: {from: b.x, select: '*'}\n  f: {from: s, filter: TRUE}",
     ["p", "b <- p", "s <- b.x", "f <- s"], ["p", "b <- p", "f <- b.x"]),
    (keep_key, "  p: {stream: purchases}\n  g: {from: p, group_by: CUSTOMER}", ["p", "g <- p"], ["p", "g <- p +key"]),
    (keep_key, "  p: {stream: purchases}\n  g: {from: p, group_by: CUSTOMER AS WHO}", ["p", "g <- p"], ["p", "g <- p +key"]),
    (keep_key, "  p: {stream: purchases}\n  g: {from: p, group_by: [CUSTOMER, ITEM]}", ["p", "g <- p"], ["p", "g <- p"]),
    (keep_key, "  p: {stream: purchases}\n  g: {from: p, group_by: UCASE(CUSTOMER) AS CUSTOMER}", ["p", "g <- p"], ["p", "g <- p"]),
    (keep_key, ("  p: {stream: purchases}\n  g: {from: p, group_by: CUSTOMER}\n  a: {from: g, aggregate: {N: COUNT(*)}, window: {tumbling: 1m}}\n"
     "  h: {from: a, group_by: CUSTOMER}"), ["p", "g <- p", "a <- g", "h <- a"], ["p", "g <- p +key", "a <- g", "h <- a"]),
    (share_groups, ("  p: {stream: purchases}\n  g: {from: p, group_by: ITEM}\n  h: {from: p, group_by: ITEM}\n"
     "  a: {from: g, aggregate: {N: COUNT(*)}}\n  b: {from: h, aggregate: {N: COUNT(*)}}"),
     ["p", "g <- p", "h <- p", "a <- g", "b <- h"], ["p", "g <- p", "a <- g", "b <- g"]),
    (share_groups, "  p: {stream: purchases}\n  g: {from: p, group_by: ITEM}\n  h: {from: p, group_by: ITEM AS OTHER}",
     ["p", "g <- p", "h <- p"], ["p", "g <- p", "h <- p"]),
    (share_groups, "  p: {stream: purchases}\n  g: {from: p, partition_by: UUID() AS U}\n  h: {from: p, partition_by: UUID() AS U}",
     ["p", "g <- p", "h <- p"], ["p", "g <- p", "h <- p"]),
    (keep_null_keys, ("  p: {stream: purchases}\n  c: {table: customers}\n  r: {from: p, repartition: {}}\n  f: {from: r, filter: TRUE}\n"
     "  j: {from: [f, c], join: left}"), ["p", "c", "r <- p -null", "f <- r", "j <- f c"], ["p", "c", "r <- p", "f <- r", "j <- f c"]),
    (keep_null_keys, "  p: {stream: purchases}\n  c: {table: customers}\n  r: {from: p, repartition: {}}\n  j: {from: [r, c], join: inner}",
     ["p", "c", "r <- p -null", "j <- r c"], ["p", "c", "r <- p -null", "j <- r c"]),
    (keep_places, "  c: {table: customers}\n  s: {from: c, select: [ROWOFFSET AS O]}\n  f: {from: s, filter: O > 1}",
     ["c", "s <- c", "f <- s"], ["c <-  +ROWOFFSET", "s <- c", "f <- s"]),
    (keep_places, "  c: {table: customers}\n  p: {stream: purchases}\n  f: {from: p, filter: ROWOFFSET > 1}",
     ["c", "p", "f <- p"], ["c", "p", "f <- p"]),
    (cut_functions, "  p: {stream: purchases}\n  s: {from: p, select: [GEOCODE(ITEM, 1) AS I]}\n  f: {from: s, filter: TRUE}",
     ["p", "s <- p", "f <- s"], ["p", "s-call-1-rows <- p", "s-call-1 <- s-call-1-rows", "s <- s-call-1", "f <- s"]),
    (cut_functions, "  p: {stream: purchases}\n  f: {from: p, filter: TRUE}", ["p", "f <- p"], ["p", "f <- p"]),
]


@pytest.mark.parametrize(("rule", "nodes", "before", "after"), CASES, ids=[f"{c[0].__name__}-{i}" for i, c in enumerate(CASES)])
def test_rule(rule: Rule, nodes: str, before: list[str], after: list[str]) -> None:
    logical = build(validate(load_topology(f"topology: t\nnodes:\n{nodes}\n")), Context("t", relations()))
    assert shown(logical) == before
    changed = rule(logical)
    assert shown(changed) == after
    assert shown(rule(changed)) == after, "a rule applied twice changes nothing more"


def test_every_rule_has_a_case() -> None:
    assert {c[0] for c in CASES} == set(RULES)
