"""A source table keeps where its rows came from, ROWPARTITION and ROWOFFSET, when something behind it reads that: the old row of a change has
it too."""

from __future__ import annotations

from dataclasses import replace

from penstock.expr.tree import columns_of
from penstock.expr.typed import ColumnRef
from penstock.plan.nodes import Node, SourceTable
from penstock.planner.logical.flow import Logical
from penstock.planner.rules.expressions import expressions_of
from penstock.planner.stores import fingerprint, history_store

PLACES = (("ROWPARTITION", "INT"), ("ROWOFFSET", "BIGINT"))


def keep_places(logical: Logical) -> Logical:
    """Adds them to the stores of such tables."""
    behind: dict[str, set[str]] = {}
    for node in logical.nodes:
        behind[node.name] = {node.name}.union(*(behind[i.partition(".")[0]] for i in node.inputs))
    read: dict[str, set[str]] = {}
    for node in logical.nodes:
        names = _reads(node)
        for source in behind[node.name]:
            read.setdefault(source, set()).update(names)
    nodes = tuple(_keeping(n, read[n.name]) if isinstance(n, SourceTable) else n for n in logical.nodes)
    return replace(logical, nodes=nodes)


def _keeping(node: SourceTable, read: set[str]) -> SourceTable:
    wanted = tuple(place for place in PLACES if place[0] in read and place[0] not in node.store.fields)
    if not wanted:
        return node
    types = {c.name: str(c.type) for c in node.schema}
    kept = (*((name, types[name]) for name in node.store.fields), *wanted)
    spec = replace(node.store, fields=tuple(name for name, _ in kept), schema_id=fingerprint(kept))
    history = None if node.history is None else history_store(spec, node.history.retention_ms, kept)
    return replace(node, store=spec, history=history)


def _reads(node: Node) -> set[str]:
    """Names of the columns that a node's expressions read."""
    found: set[str] = set()
    for expr in expressions_of(node):
        if isinstance(expr, ColumnRef):
            found.add(expr.name)
        else:
            found.update(name for _, name in columns_of(expr))
    return found
