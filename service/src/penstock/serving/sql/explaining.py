"""EXPLAIN: how a query would be answered, and what runs."""

from __future__ import annotations

from penstock.catalog.view import resolve
from penstock.expr.narrow import EVER
from penstock.plan.explain import explain
from penstock.plan.nodes import RelationKind
from penstock.serving.source import source_of
from penstock.serving.sql.catalog import NodeCatalog
from penstock.serving.sql.statements import Statements
from penstock.serving.sql.transient import PREFIX
from penstock.serving.sql.views import row_view
from penstock.sql import effects
from penstock.sql.catalog import InSession, known
from penstock.sql.rows import RowQuery, is_plain, not_queryable, plain, refuse_clauses, rich
from penstock.sql.session import Session
from penstock.sql.tree import Query


async def explanation(effect: effects.Explain | effects.ExplainQuery, statements: Statements, session: Session) -> str:
    """The text. Raises RequestError for a query that would be refused."""
    catalog = await statements.catalog()
    if isinstance(effect, effects.ExplainQuery):
        here = InSession(catalog, session)
        return await _push(effect.query, here, statements) if effect.query.emit else _pull(effect.query, here, catalog)
    if effect.query:
        entry = catalog.state.topologies[effect.query.lower()]
        plan = entry.plan
        text = f"{entry.sql}\n\n" if entry.sql else ""
    else:
        assert effect.definition is not None
        plan, text = await statements.planned(effect.definition, effect.trees), ""
    return text + explain(plan, {s.name: source_of(s, plan.settings) for s in plan.subs})


def _view(rows: RowQuery) -> list[str]:
    shown = [f"  {c.name} {c.type} = {text}" for c, text in zip(rows.columns, rows.items, strict=True)]
    return [*shown, *([f"  where {rows.where}"] if rows.where else ()), *([f"  limit {rows.limit}"] if rows.limit else ())]


async def _push(query: Query, catalog: InSession, statements: Statements) -> str:
    if is_plain(query):
        rows = plain(query, catalog)
        return "\n".join([f"push query: a subscription of {rows.relation} on the shared reader of its topic", *_view(rows)]) + "\n"
    made = rich(query, catalog, f"{PREFIX}{catalog.next_number()}", "result")
    return "push query with a topology of its own\n\n" + explain(await statements.planned(made.definition, made.trees))


def _pull(query: Query, catalog: InSession, node: NodeCatalog) -> str:
    info = known(catalog, query.source.name)
    if not is_plain(query):
        if not catalog.session.truth("penstock.pull.extended"):
            refuse_clauses(query, info)
        return "pull query past ksqlDB: the rows of its sources as they are now, through a topology in memory\n"
    rows = plain(query, catalog)
    if info.kind is RelationKind.STREAM:
        return "\n".join([f"pull query: topic {info.topic.topic} read to its present end", *_view(rows)]) + "\n"
    served = resolve(node.state, info.name)
    if not served.materialised:
        raise not_queryable(info.name, query.source)
    where = row_view(served, rows, {}).narrow
    if where.keys is not None:
        how = f"{len(where.keys)} {'key' if len(where.keys) == 1 else 'keys'} looked up"
    elif where.low is not None or where.high is not None:
        how = "a range of keys scanned"
    else:
        how = "the whole table scanned"
    windows = "" if where.windows == EVER else f", windows that start from {where.windows[0]} to {where.windows[1]}"
    assert served.published is not None
    return "\n".join([f"pull query: {how}{windows}, in store {served.published.store} of {served.published.sub}", *_view(rows)]) + "\n"
