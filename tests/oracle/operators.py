"""All operators of random topologies, by name: those in which it counts how often they agreed."""

from __future__ import annotations

from collections.abc import Callable

from aggregates import aggregate, cogroup, fold, reduce, suppress, windowed
from basic import (
                   branch,
                   deduplicate,
                   explode,
                   filter_,
                   header_read,
                   header_written,
                   merge,
                   partition_by,
                   peek,
                   processor,
                   repartition,
                   routed_sink,
                   select,
                   sources_by,
                   time_column,
                   to_stream,
                   to_table,
                   versioned,
                   versioned_source,
)
from builder import Builder, Flow
from joins import foreign_key_join, global_join, graced, self_join, several, stream_stream_join, stream_table_join, table_table_join

OPERATORS: dict[str, Callable[[Builder], Flow]] = {
    "filter": lambda b: filter_(b, b.stream()), "filter not": lambda b: filter_(b, b.stream(), True), "select": lambda b: select(b, b.stream()),
    "partition_by": partition_by, "merge": merge, "branch": branch, "to_table": to_table, "to_stream": to_stream,
    "table filter": lambda b: filter_(b, b.table()), "table filter not": lambda b: filter_(b, b.table(), True),
    "table select": lambda b: select(b, b.table()), "aggregate": lambda b: aggregate(b, b.stream()),
    "table aggregate": lambda b: aggregate(b, b.table()), "tumbling": windowed("tumbling"), "hopping": windowed("hopping"),
    "session": windowed("session"), "sliding": windowed("sliding"), "tumbling final": windowed("tumbling", True),
    "hopping final": windowed("hopping", True), "session final": windowed("session", True), "sliding final": windowed("sliding", True),
    "suppress window": suppress("window"), "suppress time": suppress("time"),
    "stream-global inner": global_join("inner"), "stream-global left": global_join("left"),
    "versioned table": versioned_source, "versioned to_table": versioned, "stream-table inner grace": graced("inner"), "stream-table left grace": graced("left"),
    "stream-table inner": stream_table_join("inner"), "stream-table left": stream_table_join("left"),
    **{f"table-table {k}": table_table_join(k) for k in ("inner", "left", "right", "full")},
    **{f"stream-stream {k}": stream_stream_join(k) for k in ("inner", "left", "right", "full")},
    "sources by list": sources_by("list"), "sources by pattern": sources_by("pattern"), "routed sink": routed_sink,
    "fold": lambda b: fold(b, b.stream()), "reduce": lambda b: reduce(b, b.stream()),
    "table fold": lambda b: fold(b, b.table()), "table reduce": lambda b: reduce(b, b.table()),
    "deduplicate": deduplicate, "processor": processor, "peek": peek, "header read": header_read, "header written": header_written, "time column": time_column,
    "cogroup": cogroup, "explode": explode, "repartition": repartition,
    "three tables": several("three tables", ("table-table", "table_table_join", True), ("table-table", "table_table_join", True)),
    "three streams": several("three streams", ("stream-stream", "stream_stream_join", False), ("stream-stream", "stream_stream_join", False)),
    "two streams, a table": several("two streams, a table", ("stream-stream", "stream_stream_join", False), ("stream-table", "join", True)),
    "a stream, two tables": several("a stream, two tables", ("stream-table", "join", True), ("stream-table", "join", True)),
    "self-join": self_join, "foreign-key inner": foreign_key_join("inner"), "foreign-key left": foreign_key_join("left"),
}
