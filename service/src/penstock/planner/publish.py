"""What a plan publishes: sinks and declarations in the catalog, materialised nodes as `topology.node`, `topology.dead_letter`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock.plan import dead_letter
from penstock.plan.nodes import Filter, Materialised, Node, Processor, RelationKind, Select, Sink, SourceStream, SourceTable, result_store
from penstock.plan.resolved import Published, SubTopology
from penstock.planner.logical.flow import Logical


def published(subs: Sequence[SubTopology], logical: Logical, dead_letter_topic: str) -> tuple[Published, ...]:
    """Catalog names first."""
    own = [p for sub in subs for p in _of_sub(sub, logical)]
    ref = dead_letter.topic_ref(dead_letter_topic)
    letters = Published(f"{logical.name}.{dead_letter.OUTPUT}", RelationKind.STREAM, dead_letter.SCHEMA, None, "", ref, in_catalog=False,
                        key_format=ref.key_format)
    return (*sorted(own, key=lambda p: not p.in_catalog), letters)


def _of_sub(sub: SubTopology, logical: Logical) -> Iterator[Published]:
    by_name = {n.name: n for n in sub.nodes}
    for node in sub.nodes:
        key_format = logical.flows[node.name].key_format if node.name in logical.flows else None
        match node:
            case Sink(insert=False):
                store = _store_of(node, by_name) if node.kind is RelationKind.TABLE else ""
                if store:
                    key_format = logical.flows[store].key_format
                yield Published(node.relation, node.kind, node.schema, node.window, node.name, node.topic, sub.name if store else "", store,
                                key_format=key_format)
            case SourceStream() if node.name in logical.inline:
                yield Published(node.relation, node.kind, node.schema, node.window, node.name, node.topic, key_format=key_format)
            case SourceTable() if node.name in logical.inline:
                yield Published(node.relation, node.kind, node.schema, node.window, node.name, node.topic, sub.name, result_store(node).name,
                                key_format=key_format)
        if isinstance(node, Processor):
            for kept in node.stores:
                yield Published(f"{logical.name}.{node.name}.{kept.name}", RelationKind.TABLE, kept.schema, kept.window, node.name, None, sub.name,
                                kept.spec.name, in_catalog=False, key_format=kept.key_format)
        if isinstance(node, Materialised):
            yield Published(f"{logical.name}.{node.name}", node.kind, node.schema, node.window, node.name, None, sub.name, result_store(node).name,
                            in_catalog=False, key_format=key_format)


def _store_of(sink: Sink, by_name: dict[str, Node]) -> str:
    """The store that a table's sink shows, through filters and selects; every table begins at one."""
    node = by_name[sink.inputs[0].partition(".")[0]]
    while isinstance(node, Filter | Select):
        node = by_name[node.inputs[0].partition(".")[0]]
    assert isinstance(node, Materialised), node
    return result_store(node).name
