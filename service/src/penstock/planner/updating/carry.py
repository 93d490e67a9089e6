"""The new plan with what it takes over: how values of before are read, columns that begin empty, topics that nobody uses any more."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any

from penstock.expr.aggregates import by_id
from penstock.expr.compile import compile_expression
from penstock.plan.nodes import Aggregate, Node, SourceStream, SourceTable, StoreSpec
from penstock.plan.resolved import ResolvedPlan


def carried(old: ResolvedPlan, new: ResolvedPlan, empty: Mapping[str, Collection[str]]) -> ResolvedPlan:
    """empty: by node the columns that its stored values do not have yet."""
    known = {s.changelog: s for sub in old.subs for s in sub.stores}
    subs = tuple(replace(sub, nodes=tuple(_carried(n, known, empty.get(n.name, ())) for n in sub.nodes),
                         scalars=None if sub.scalars is None else _older(sub.scalars, known)) for sub in new.subs)
    kept = {t.topic for t in new.internal}
    return replace(new, subs=subs, retired=tuple(dict.fromkeys([*old.retired, *(t.topic for t in old.internal if t.topic not in kept)])))


def with_starts(old: ResolvedPlan, new: ResolvedPlan) -> ResolvedPlan:
    """Sources that are kept began where they began, whatever stands at those places now."""
    begun = {n.name: n.start for sub in old.subs for n in sub.nodes if isinstance(n, SourceStream | SourceTable)}
    subs = tuple(replace(sub, nodes=tuple(replace(n, start=begun[n.name]) if isinstance(n, SourceStream | SourceTable) and n.name in begun else n
                                          for n in sub.nodes)) for sub in new.subs)
    return replace(new, subs=subs)


def _carried(node: Node, known: Mapping[str, StoreSpec], empty: Collection[str]) -> Node:
    found = ((f.name, getattr(node, f.name)) for f in fields(node))
    specs: dict[str, Any] = {name: _older(value, known) for name, value in found if isinstance(value, StoreSpec)}
    if isinstance(node, Aggregate) and empty:
        first = _initial(node, empty)
        specs["store"] = replace(specs["store"], initial=tuple(dict([*specs["store"].initial, *first]).items()))
    return replace(node, **specs) if specs else node


def _older(spec: StoreSpec, known: Mapping[str, StoreSpec]) -> StoreSpec:
    """Remembers the fields that values were written with."""
    before = known.get(spec.changelog)
    if before is None:
        return spec
    older = dict(before.older)
    if before.schema_id != spec.schema_id:
        older[before.schema_id] = before.fields
    older.pop(spec.schema_id, None)
    return replace(spec, older=tuple(older.items()), initial=tuple((n, v) for n, v in before.initial if n in spec.fields))


def _initial(node: Aggregate, empty: Collection[str]) -> list[tuple[str, object]]:
    """(field, value) of the states of columns that begin empty."""
    found: list[tuple[str, object]] = []
    for column in node.columns:
        if column.name in empty:
            function = by_id(column.function, column.literals)
            found += [(f"{column.name}.{field}", ast.literal_eval(text)) for field, text in zip(function.state, function.init, strict=True)]
    for accumulator in node.accumulators:
        if accumulator.name in empty and accumulator.init is not None:
            found.append((accumulator.name, compile_expression(accumulator.init, [])(())))
    return found
