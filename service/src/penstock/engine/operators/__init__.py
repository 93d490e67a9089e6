"""One module an operator. Each offers the three functions of `Operator`; the generator finds them by node type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from penstock.engine.joins import foreign_join, foreign_send, foreign_subscribe, stream_stream, table_table
from penstock.engine.operators import (
    aggregate,
    branch,
    deduplicate,
    explode,
    filter,
    group_by,
    merge,
    partition_by,
    peek,
    processor,
    remote_call,
    remote_processor,
    repartition,
    select,
    sink,
    stream_global_join,
    stream_table_join,
    suppress,
    to_stream,
    to_table,
)
from penstock.plan import nodes as n

if TYPE_CHECKING:
    from penstock.engine.generator import Generator
    from penstock.engine.graph import Edge, Graph
    from penstock.engine.rows import Change, Row


class Operator(Protocol):
    """What a module of this package offers."""

    def demand(self, graph: Graph, node: Any, index: int) -> set[str]:
        """Columns of input `index` that the node reads, for itself or for what is downstream of it."""

    def on_row(self, gen: Generator, edge: Edge, row: Row) -> list[str]:
        """Lines for a record of a stream that arrives over the edge; row.present is ALWAYS or NEVER."""

    def on_change(self, gen: Generator, edge: Edge, change: Change) -> list[str]:
        """Lines for a change of a table."""


OPERATORS: dict[type[n.Node], Operator] = {
    n.Filter: filter,
    n.Select: select,
    n.Explode: explode,
    n.PartitionBy: partition_by,
    n.GroupBy: group_by,
    n.Repartition: repartition,
    n.Aggregate: aggregate,
    n.StreamTableJoin: stream_table_join,
    n.StreamGlobalJoin: stream_global_join,
    n.StreamStreamJoin: stream_stream,
    n.TableTableJoin: table_table,
    n.ForeignKeySend: foreign_send,
    n.ForeignKeySubscribe: foreign_subscribe,
    n.ForeignKeyJoin: foreign_join,
    n.Merge: merge,
    n.Branch: branch,
    n.ToTable: to_table,
    n.ToStream: to_stream,
    n.Suppress: suppress,
    n.Deduplicate: deduplicate,
    n.Peek: peek,
    n.Processor: processor,
    n.RemoteProcessor: remote_processor,
    n.RemoteCall: remote_call,
    n.ProcessorOutput: processor,
    n.Sink: sink,
    n.RoutedSink: sink,
}
"""Every operator that has an input."""
