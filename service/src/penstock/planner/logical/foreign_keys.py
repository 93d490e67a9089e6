"""table_table_join with a foreign key: rows of the left table beside the right row that they refer to.

Three plan nodes: the left table's changes are sent to the partition of the right key, kept and answered there, and the answers come back to
the partition of the left row. No co-partitioning is needed.
"""

from __future__ import annotations

from dataclasses import replace

from penstock.expr.analyze import analyze
from penstock.expr.tree import columns_of, is_deterministic
from penstock.expr.typed import Expr
from penstock.plan.nodes import (
    INSTRUCTION,
    PRESENT,
    ROW_HASH,
    SUBSCRIBER,
    ForeignKeyJoin,
    ForeignKeySend,
    ForeignKeySubscribe,
    JoinKind,
    RelationKind,
    StoreKind,
    answer_column,
)
from penstock.planner.logical.expressions import placed_at, unique
from penstock.planner.logical.flow import Built, Context, Flow, scope
from penstock.planner.logical.join_parts import check_kinds, join_kind, joined, kept_row, schema_of
from penstock.planner.names import answer_node, input_aliases, subscribe_node
from penstock.planner.refuse import refuse
from penstock.planner.stores import store
from penstock.planner.validate import Placed
from penstock.types.schema import Column, Role, Schema
from penstock.types.sqltype import BIGINT, BOOLEAN, BYTES, INT


def foreign_key_join(node: Placed, inputs: tuple[Flow, ...], context: Context) -> Built:
    """INNER or LEFT."""
    left, right = (kept_row(flow) for flow in inputs)
    proto = node.proto.table_table_join
    check_kinds(node, inputs, (RelationKind.TABLE, RelationKind.TABLE))
    join = join_kind(proto.kind)
    if join not in (JoinKind.INNER, JoinKind.LEFT):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a foreign-key join is INNER or LEFT, not {join.value}", node=node.name,
                     field=node.path("kind"))
    reference = _reference(node, left, right)
    found = joined(node, proto.columns, left, right)
    schema = schema_of(left, found)
    unique(node, list(schema.names), "columns")
    columns = tuple(p for p, _ in found)
    read = {name for p in columns for number, name in columns_of(p.expr) if number == 1}
    types = {c.name: c.type for c in right.schema} | {"ROWTIME": BIGINT}
    answers = tuple(sorted(read))
    asked = Schema((Column(right.schema.key[0].name, right.key_types[0], Role.KEY), Column(SUBSCRIBER, BYTES), Column(INSTRUCTION, INT),
                    Column(ROW_HASH, BYTES)))
    answered = Schema((*left.schema.key, Column(ROW_HASH, BYTES), Column(PRESENT, BOOLEAN),
                       *(Column(answer_column(name), types[name]) for name in answers)))
    send, subscribe = subscribe_node(node.name), answer_node(node.name)
    kept = store(f"{node.name}-subscriptions", StoreKind.KEY_VALUE, (("hash", "BYTES"),), None)
    spec = store(node.name, StoreKind.KEY_VALUE, tuple((p.name, str(kind)) for p, kind in found), None)
    stream, table = RelationKind.STREAM, RelationKind.TABLE
    return Built((
        ForeignKeySend(send, node.inputs[:1], asked, stream, None, reference, right.key_format, join is JoinKind.LEFT),
        ForeignKeySubscribe(subscribe, (send, node.inputs[1]), answered, stream, None, answers, left.key_format, kept),
        ForeignKeyJoin(node.name, (subscribe, node.inputs[0]), schema, table, None, join, columns, answers, spec),
    ), replace(left, schema=schema))


def _reference(node: Placed, left: Flow, right: Flow) -> Expr:
    """The foreign key, typed as the right table's one key column."""
    field = node.path("foreign_key")
    if len(right.schema.key) != 1:
        raise refuse("UNSUPPORTED", f"{node.name}: a foreign key refers to a table with one key column; {node.inputs[1]} has "
                     f"{len(right.schema.key)}", node=node.name, field=field)
    with placed_at(node, field):
        found = analyze(node.proto.table_table_join.foreign_key, scope((input_aliases(node.inputs)[0], left)))
    if found.type != right.key_types[0]:
        raise refuse("TYPE_MISMATCH", f"{node.name}: the foreign key is {found.type}, the key of {node.inputs[1]} is {right.key_types[0]}",
                     node=node.name, field=field)
    if not is_deterministic(found):
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: the foreign key gives another value each time; a row could not be found again",
                     node=node.name, field=field)
    return found
