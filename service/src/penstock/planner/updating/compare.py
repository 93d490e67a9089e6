"""Whether what a node keeps stays meaningful under its new definition: one node before and after, whatever stands around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from penstock.formats.schemas import unpinned
from penstock.plan.nodes import (
    Accumulator,
    Aggregate,
    AggregateColumn,
    Node,
    RemoteProcessor,
    Repartition,
    Sink,
    SourceStream,
    SourceTable,
    StoreSpec,
    TableTableJoin,
    TopicRef,
    ToTable,
    stores_of,
)
from penstock.types.schema import Column


@dataclass(frozen=True, slots=True)
class Same:
    """What it keeps stays. note: for people, empty when nothing changed. same: the node does exactly what it did. empty: columns that
    begin empty (of an aggregate: with their initial values)."""

    note: str = ""
    same: bool = False
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Other:
    """What it keeps means something else now: it has to be computed anew."""

    why: str


FREE = frozenset({"inputs", "schema", "start"})
"""Fields that say nothing about state: what stands before the node, and where it once began."""


def compare(old: Node, new: Node) -> Same | Other:
    """One node before and after, of one name."""
    if type(old) is not type(new):
        return Other(f"it was a {type(old).__name__} and is a {type(new).__name__}")
    if old.kind is not new.kind or old.window != new.window and stores_of(old):
        return Other("its windows are others" if old.kind is new.kind else "it was a stream or a table, and is the other now")
    if stores_of(old) and old.schema.key != new.schema.key:
        return Other(f"its key was {_shown(old.schema.key)} and is {_shown(new.schema.key)}")
    match old, new:
        case SourceStream() | SourceTable(), SourceStream() | SourceTable() if old.topic.topic != new.topic.topic:
            return Other(f"it read topic {old.topic.topic} and reads {new.topic.topic}")
        case SourceTable(), SourceTable():
            if _written(old.topic) != _written(new.topic):
                return Other("its topic is read in another way")
            return _rows(old, new)
        case ToTable(), ToTable():
            return _rows(old, new)
        case Repartition(), Repartition():
            return _repartition(old, new)
        case Aggregate(), Aggregate():
            return _aggregate(old, new)
        case TableTableJoin(), TableTableJoin():
            return _table_join(old, new)
        case RemoteProcessor(), RemoteProcessor() if (old.processor, stores_of(old)) == (new.processor, stores_of(new)):
            return Same("" if old == new else "bundles from here on go by the new definition", old == new)
    changed = [f.name for f in fields(new) if f.name not in FREE and getattr(old, f.name) != getattr(new, f.name)]
    if stores_of(old) and changed != ["columns"] and changed:
        return Other(f"its {', '.join(changed)} changed, by which it keeps what it keeps")
    same = not changed and old.inputs == new.inputs and old.schema == new.schema
    return Same("" if same else "rows from here on go by the new definition" if changed else "", same)


def _shown(columns: Sequence[Column]) -> str:
    return ", ".join(f"{c.name} {c.type}" for c in columns)


def _written(topic: TopicRef) -> TopicRef:
    """Without the registered schemas, which columns bring with them."""
    return replace(topic, key_format=unpinned(topic.key_format), value_format=unpinned(topic.value_format))


def _rows(old: SourceTable | ToTable, new: SourceTable | ToTable) -> Same | Other:
    """A table of rows as they came. Those that are there do not have a column that is new; where their topic has it, they are read anew."""
    before = {c.name: c.type for c in old.schema.value}
    other = [c.name for c in new.schema.value if before.get(c.name, c.type) != c.type]
    if other:
        return Other(f"the type of {', '.join(other)} changed")
    if (old.history is None) != (new.history is None):
        return Other("it began or ceased to keep a history")
    added = tuple(c.name for c in new.schema.value if c.name not in before)
    if added and isinstance(new, SourceTable):
        return Other(f"its topic has {', '.join(added)} of rows that are kept without")
    return Same(f"{', '.join(added)} is null in the rows of before" if added else "", old == new, added)


def _repartition(old: Repartition, new: Repartition) -> Same | Other:
    """Records may wait in its topic: they must be readable as the new ones are, and lie where the new ones would."""
    if (old.topic, old.changes) != (new.topic, new.changes):
        return Other(f"records of {old.topic.partitions} partitions and key {old.topic.key_format.name} wait in its topic"
                     if old.topic.partitions != new.topic.partitions else "records of another form wait in its topic")
    if old.schema != new.schema:
        return Other("records with the columns of before may wait in its internal topic")
    return Same(same=old == new)


def _aggregate(old: Aggregate, new: Aggregate) -> Same | Other:
    """Columns are kept by name. One that is new begins empty; of a table it would be undone for rows that it never saw."""
    if (old.of_table, old.emit) != (new.of_table, new.emit):
        return Other("it aggregates a stream or a table, or emits, in another way")
    if len(old.inputs) != len(new.inputs):
        return Other(f"it had {len(old.inputs)} inputs and has {len(new.inputs)}")
    before, after = _folds(old), _folds(new)
    other = [name for name in after if name in before and before[name] != after[name]]
    if other:
        return Other(f"{', '.join(other)} is folded in another way")
    added = tuple(name for name in after if name not in before)
    if added and new.of_table:
        return Other(f"{', '.join(added)} is new, and rows of the table that it never added would be taken out of it")
    if started := [a.name for a in new.accumulators if a.name in added and a.init is None]:
        return Other(f"{', '.join(started)} begins with the first row of a group, and groups have begun")
    gone = [name for name in before if name not in after]
    note = "; ".join([*([f"{', '.join(added)} starts empty"] if added else []), *([f"{', '.join(gone)} is no longer kept"] if gone else [])])
    return Same(note, old == new, added)


def _folds(node: Aggregate) -> Mapping[str, AggregateColumn | Accumulator]:
    found: dict[str, AggregateColumn | Accumulator] = {c.name: c for c in node.columns}
    return found | {a.name: a for a in node.accumulators}


def _table_join(old: TableTableJoin, new: TableTableJoin) -> Same | Other:
    """Its rows are kept as they were computed."""
    if old.join is not new.join:
        return Other(f"it was {old.join.value} and is {new.join.value}")
    before = {p.name: p.expr for p in old.columns}
    other = [p.name for p in new.columns if before.get(p.name) != p.expr]
    if other:
        return Other(f"{', '.join(other)} is new or computed in another way, and its rows are kept as they were computed")
    gone = [name for name in before if name not in {p.name for p in new.columns}]
    return Same(f"{', '.join(gone)} is no longer kept" if gone else "", old == new)


def sink_differs(old: Sink, new: Sink) -> str:
    """Why a topic that was written as before cannot be written as now; empty when it can."""
    if old.relation.lower() != new.relation.lower() or old.topic.topic != new.topic.topic or old.insert != new.insert:
        return f"it wrote {old.relation} to topic {old.topic.topic}"
    before, after = _written(old.topic), _written(new.topic)
    if (before.key_format, before.value_format) != (after.key_format, after.value_format):
        return f"its topic holds keys in {old.topic.key_format.name} and values in {old.topic.value_format.name}"
    if old.kind is not new.kind or old.window != new.window or old.schema.key != new.schema.key:
        return f"its topic holds a {old.kind.value.lower()} by {_shown(old.schema.key) or 'no key'}"
    return ""


def carries(old: StoreSpec, new: StoreSpec) -> bool:
    """Whether the new store is the old one, as it lies on disk and in its changelog."""
    return (old.name, old.kind, old.changelog) == (new.name, new.kind, new.changelog)
