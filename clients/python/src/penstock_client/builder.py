"""Topologies written in Python, in the manner of the Kafka Streams DSL.

    t = Topology("purchases")
    s = t.stream("purchases")
    s.filter("price > 100").select("item", double_price="price * 2").to("expensive")
    s.group_by("customer").window(tumbling(minutes=1)).aggregate(total="SUM(price)").to("totals")
    client.register_topology(t)

Each call adds one node and gives a handle on its output; nothing is checked before the service sees it. Node names, by which state is
kept across changes of the topology, are made from the operator and its number among its kind; `name=` sets one.
Expressions are SQL text. A relation is named, or declared inline with `columns=`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from penstock_client.declare import Binding, Columns, schema
from penstock_client.folds import Cofold, Fold
from penstock_client.gen.penstock.v1 import position_pb2, relation_pb2, topology_pb2
from penstock_client.position import duration

Seconds = float | timedelta
Start = str | datetime
"""`snapshot` (default for tables), `latest` (default for streams that are subscribed to), `earliest`, a token to start after, or an aware
datetime."""
Projected = str | tuple[str, str]
"""An expression, or (expression, name) where the name is no Python identifier or is `name` itself."""


def time_column(column: str, *, format: str = "", on_bad_time: str = "") -> topology_pb2.TimeColumn:
    """ROWTIME from a column. format: java.time pattern of a STRING. on_bad_time: BAD_RECORD (default), SKIP or RECORD_TIME."""
    policy = f"ON_BAD_TIME_{on_bad_time.upper()}" if on_bad_time else None
    return topology_pb2.TimeColumn(column=column, format=format, on_bad_time=policy)


def tumbling(
    *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0, milliseconds: float = 0,
    grace: Seconds | None = None, retention: Seconds | None = None,
) -> topology_pb2.Window:  # fmt: skip
    """A window of fixed size without gaps. grace: how late a record may be; retention: how long a window can be looked up."""
    size = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
    return _window(topology_pb2.Window(kind=relation_pb2.WINDOW_KIND_TUMBLING, size=duration(size)), grace, retention)


def hopping(
    size: Seconds, advance: Seconds, *, grace: Seconds | None = None, retention: Seconds | None = None
) -> topology_pb2.Window:
    """Windows of fixed size that begin at every multiple of the advance: a record lies in several."""
    window = topology_pb2.Window(kind=relation_pb2.WINDOW_KIND_HOPPING, size=duration(size), advance=duration(advance))
    return _window(window, grace, retention)


def sliding(size: Seconds, *, grace: Seconds | None = None, retention: Seconds | None = None) -> topology_pb2.Window:
    """Windows of records that are no further apart than the size; both ends belong to them."""
    return _window(topology_pb2.Window(kind=relation_pb2.WINDOW_KIND_SLIDING, size=duration(size)), grace, retention)


def session(gap: Seconds, *, grace: Seconds | None = None, retention: Seconds | None = None) -> topology_pb2.Window:
    """Windows of records that follow each other within the gap."""
    return _window(topology_pb2.Window(kind=relation_pb2.WINDOW_KIND_SESSION, gap=duration(gap)), grace, retention)


def _window(window: topology_pb2.Window, grace: Seconds | None, retention: Seconds | None) -> topology_pb2.Window:
    if grace is not None:
        window.grace.CopyFrom(duration(grace))
    if retention is not None:
        window.retention.CopyFrom(duration(retention))
    return window


class Topology:
    """A topology under construction. `message()` is what is registered; building may go on after it."""

    def __init__(
        self,
        name: str,
        *,
        guarantee: str = "",
        commit_interval: Seconds | None = None,
        on_bad_record: str = "",
        updates: str = "",
        max_task_idle: Seconds | None = None,
        standbys: int | None = None,
        labels: dict[str, str] | None = None,
    ) -> None:
        """guarantee: EXACTLY_ONCE or AT_LEAST_ONCE. on_bad_record: DEAD_LETTER, SKIP or FAIL. updates: LATEST_PER_COMMIT or EVERY.
        max_task_idle: how long a task waits for an input without records while others have some; less than 0 is never.
        standbys: other nodes that keep a copy of each task's state. Empty and None leave the service's defaults."""
        self._message = topology_pb2.Topology(name=name, labels=labels)
        self._numbers: dict[str, int] = {}
        self._settings(guarantee, commit_interval, on_bad_record, updates, max_task_idle, standbys)

    def _settings(
        self, guarantee: str, commit_interval: Seconds | None, on_bad_record: str, updates: str, max_task_idle: Seconds | None,
        standbys: int | None,
    ) -> None:
        settings = topology_pb2.TopologySettings(
            guarantee=f"GUARANTEE_{guarantee.upper()}" if guarantee else None,
            on_bad_record=f"ON_BAD_RECORD_{on_bad_record.upper()}" if on_bad_record else None,
            updates=f"UPDATE_MODE_{updates.upper()}" if updates else None,
            commit_interval=None if commit_interval is None else duration(commit_interval),
            max_task_idle=None if max_task_idle is None else duration(max_task_idle),
            standbys=standbys,
        )
        if settings.ByteSize():
            self._message.settings.CopyFrom(settings)

    @property
    def name(self) -> str:
        """The topology's name."""
        return self._message.name

    def message(self) -> topology_pb2.Topology:
        """The definition so far, as its own copy."""
        copy = topology_pb2.Topology()
        copy.CopyFrom(self._message)
        return copy

    def stream(
        self,
        relation: str = "",
        *,
        columns: Columns | None = None,
        binding: Binding | None = None,
        window: topology_pb2.Window | None = None,
        start: Start = "",
        time: topology_pb2.TimeColumn | str = "",
        name: str = "",
    ) -> Stream:
        """Read a stream of the catalog, or one that is declared here with columns (and then published under the node's name), and window, such
        as `tumbling(minutes=1)`, where the topic's keys are windowed. start is
        `earliest` (default), `latest`, a position token or a time; what that is in the log is settled when the topology is registered. time: the
        column that gives the time, or `time_column()`."""
        node = self._node(name, _node_name(relation) or "source")
        node.source_stream.origin.CopyFrom(_origin(relation, columns, binding, start, window))
        if time:
            node.source_stream.time.CopyFrom(time_column(time) if isinstance(time, str) else time)
        return Stream(self, node.name)

    def streams(
        self,
        *relations: str,
        topics: Iterable[str] = (),
        pattern: str = "",
        columns: Columns | None = None,
        binding: Binding | None = None,
        window: topology_pb2.Window | None = None,
        start: Start = "",
        time: topology_pb2.TimeColumn | str = "",
        name: str = "",
    ) -> Stream:
        """Read several topics as one stream: relations of the catalog with equal columns, or topics by name, or those whose whole name matches
        a regular expression, topics that come later included. The last two need columns; a binding says their formats."""
        node = self._node(name, "source")
        if start:
            node.source_stream.origin.start.CopyFrom(start_position(start))
        several = node.source_stream.origin.topics
        several.names.extend(topics)
        several.relations.extend(relations)
        several.pattern = pattern
        if columns is not None:
            several.relation.schema.CopyFrom(schema(columns))
            if binding is not None:
                several.relation.topic.CopyFrom(binding.message())
        if time:
            node.source_stream.time.CopyFrom(time_column(time) if isinstance(time, str) else time)
        return Stream(self, node.name)

    def table(
        self, relation: str = "", *, columns: Columns | None = None, binding: Binding | None = None, window: topology_pb2.Window | None = None,
        start: Start = "", time: topology_pb2.TimeColumn | str = "", history: Seconds | None = None, name: str = "",
    ) -> Table:  # fmt: skip
        """Read a table, as stream() does a stream, and materialise it. history: how long earlier rows are kept; such a table is versioned."""
        node = self._node(name, _node_name(relation) or "source")
        node.source_table.origin.CopyFrom(_origin(relation, columns, binding, start, window))
        if time:
            node.source_table.time.CopyFrom(time_column(time) if isinstance(time, str) else time)
        if history is not None:
            node.source_table.history.CopyFrom(duration(history))
        return Table(self, node.name)

    def global_table(
        self, relation: str = "", *, columns: Columns | None = None, binding: Binding | None = None, time: topology_pb2.TimeColumn | str = "", name: str = ""
    ) -> GlobalTable:
        """Read a whole table in every worker, for joins by any column of a stream."""
        node = self._node(name, _node_name(relation) or "source")
        node.global_table.origin.CopyFrom(_origin(relation, columns, binding, ""))
        if time:
            node.global_table.time.CopyFrom(time_column(time) if isinstance(time, str) else time)
        return GlobalTable(self, node.name)

    def _node(self, name: str, base: str, *inputs: str) -> topology_pb2.Node:
        """A new node of the given name, or of `base` with its number. A given name that exists is left to the service to refuse."""
        if not name:
            count = self._numbers[base] = self._numbers.get(base, 0) + 1
            name = base if count == 1 else f"{base}_{count}"
        return self._message.nodes.add(name=name, inputs=inputs)


class _Output:
    """The output of a node, by which the next one reads it."""

    def __init__(self, topology: Topology, ref: str) -> None:
        self._topology = topology
        self.ref = ref
        """The node's name, or `node.output` for an output of a branch."""

    def _then(self, name: str, kind: str, *others: _Output) -> topology_pb2.Node:
        return self._topology._node(name, kind, self.ref, *(other.ref for other in others))

    def _filter(self, where: str, negate: bool, name: str) -> str:
        node = self._then(name, "filter")
        node.filter.where = where
        node.filter.negate = negate
        return node.name

    def _select(self, columns: tuple[Projected, ...], named: dict[str, str], name: str) -> str:
        node = self._then(name, "select")
        node.select.columns.extend(_projections(columns, named))
        return node.name

    def to(
        self, relation: str, *, binding: Binding | None = None, headers: dict[str, str] | None = None, drop_headers: bool = False, insert: bool = False,
        name: str = "",
    ) -> None:  # fmt: skip
        """Write to a topic and publish it under this name; insert: write into a stream that exists, beside its owner. Records keep the headers of those that caused them (drop_headers: not);
        headers are added: name to STRING or BYTES expression."""
        node = self._then(name, f"{_node_name(relation)}_sink")
        node.sink.relation = relation
        node.sink.insert = insert
        self._sink(node.sink, binding, headers, drop_headers)

    def to_topics(
        self, topic: str, *, binding: Binding | None = None, headers: dict[str, str] | None = None, drop_headers: bool = False, name: str = ""
    ) -> None:  # fmt: skip
        """Write each row to the topic that an expression names. A binding without a topic says the formats; topics that are missing are made
        when its `create` is set, which it is by default: without a binding they must exist, else the row is a dead letter."""
        node = self._then(name, "topics_sink")
        node.sink.topic_expression = topic
        self._sink(node.sink, binding, headers, drop_headers)

    @staticmethod
    def _sink(sink: topology_pb2.Sink, binding: Binding | None, headers: dict[str, str] | None, drop_headers: bool) -> None:
        if binding is not None:
            sink.topic.CopyFrom(binding.message())
        sink.headers.extend(topology_pb2.Projection(expression=text, alias=header) for header, text in (headers or {}).items())
        sink.drop_headers = drop_headers

    def group_by(self, *keys: Projected, name: str = "", **named: str) -> Grouped:
        """Group by expressions, or by the present key without any."""
        node = self._then(name, "group_by")
        node.group_by.SetInParent()
        node.group_by.keys.extend(_projections(keys, named))
        return Grouped(self._topology, node.name)


class Stream(_Output):
    """A stream in a topology."""

    def filter(self, where: str, *, name: str = "") -> Stream:
        """Keep the rows for which `where` is true."""
        return Stream(self._topology, self._filter(where, False, name))

    def filter_not(self, where: str, *, name: str = "") -> Stream:
        """Keep the rows for which `where` is false or null."""
        return Stream(self._topology, self._filter(where, True, name))

    def select(self, *columns: Projected, name: str = "", **named: str) -> Stream:
        """Compute the value columns: expressions as they are, and by keyword with a name. `*` stands for all."""
        return Stream(self._topology, self._select(columns, named, name))

    def explode(self, *columns: Projected, name: str = "", **named: str) -> Stream:
        """As select, with at least one EXPLODE(array): a row for each element."""
        node = self._then(name, "explode")
        node.explode.columns.extend(_projections(columns, named))
        return Stream(self._topology, node.name)

    def partition_by(self, *keys: Projected, name: str = "", **named: str) -> Stream:
        """Set a new key."""
        node = self._then(name, "partition_by")
        node.partition_by.keys.extend(_projections(keys, named))
        return Stream(self._topology, node.name)

    def repartition(self, partitions: int = 0, *, name: str = "") -> Stream:
        """Send through an internal topic with this number of partitions; 0 leaves it to the service."""
        node = self._then(name, "repartition")
        node.repartition.partitions = partitions
        return Stream(self._topology, node.name)

    def deduplicate(self, within: Seconds, *ids: str, grace: Seconds | None = None, name: str = "") -> Stream:
        """Drop records of an id (the key, with the given expressions) that are within this time of one that passed. grace: how late a record
        may be."""
        node = self._then(name, "deduplicate")
        node.deduplicate.within.CopyFrom(duration(within))
        node.deduplicate.ids.extend(ids)
        if grace is not None:
            node.deduplicate.grace.CopyFrom(duration(grace))
        return Stream(self._topology, node.name)

    def peek(self, *columns: Projected, max_per_second: int = 0, name: str = "", **named: str) -> Stream:
        """Write some rows to the service's log as they pass; all columns without any."""
        node = self._then(name, "peek")
        node.peek.max_per_second = max_per_second
        node.peek.columns.extend(_projections(columns, named))
        return Stream(self._topology, node.name)

    def without_key(self, *, name: str = "") -> Stream:
        """Drop the key: its columns become value columns, and rows stay in their partitions."""
        node = self._then(name, "without_key")
        node.partition_by.without_key = True
        return Stream(self._topology, node.name)

    def merge(self, *others: Stream, name: str = "") -> Stream:
        """Unite with streams of the same schema."""
        node = self._then(name, "merge", *others)
        node.merge.SetInParent()
        return Stream(self._topology, node.name)

    def branch(self, *, default: str = "", name: str = "", **outputs: str) -> dict[str, Stream]:
        """Send each row to the first output whose condition holds, the rest to `default` or nowhere. Outputs by name."""
        node = self._then(name, "branch")
        node.branch.outputs.extend(topology_pb2.BranchOutput(name=output, where=where) for output, where in outputs.items())
        node.branch.default_output = default
        names = [*outputs, default] if default else [*outputs]
        return {output: Stream(self._topology, f"{node.name}.{output}") for output in names}

    def process(
        self,
        processor: str,
        *others: Stream | Table,
        outputs: dict[str, Columns] | None = None,
        config: dict[str, str] | None = None,
        name: str = "",
    ) -> Processed:
        """Call a plug-in of the service with the rows of this and other inputs. outputs: columns by output, in place of those that the plug-in
        declares. Its outputs are read as `processed["alerts"]`."""
        node = self._then(name, "process", *others)
        node.processor.processor = processor
        node.processor.config.update(config or {})
        for output, columns in (outputs or {}).items():
            node.processor.outputs.add(name=output, schema=schema(columns))
        return Processed(self._topology, node.name)

    def process_remotely(
        self,
        processor: str,
        outputs: dict[str, Columns],
        stores: dict[str, Columns] | None = None,
        config: dict[str, str] | None = None,
        *,
        keeps_key: bool = False,
        bundle_rows: int = 0,
        bundle_timeout: Seconds | None = None,
        max_attempts: int = 0,
        timers: bool = False,
        name: str = "",
    ) -> Processed:
        """Send the rows to programs that serve `processor` (penstock_client.processing). outputs, stores: columns by name, of a store without
        its key, which is that of the rows. keeps_key: rows of every output have the key of the row that caused them. timers: the programs may
        set timers. Its outputs are read as `processed["alerts"]`."""
        node = self._then(name, "process")
        remote = node.remote_processor
        remote.processor = processor
        remote.config.update(config or {})
        remote.bundle_rows, remote.max_attempts, remote.timers = bundle_rows, max_attempts, timers
        if bundle_timeout is not None:
            remote.bundle_timeout.CopyFrom(duration(bundle_timeout))
        for output, columns in outputs.items():
            remote.outputs.add(name=output, schema=schema(columns), keeps_key=keeps_key)
        for store, columns in (stores or {}).items():
            remote.stores.add(name=store, schema=schema(columns))
        return Processed(self._topology, node.name)

    def join_stream(
        self, other: Stream, *columns: Projected, kind: str = "INNER", within: Seconds | None = None, before: Seconds | None = None,
        after: Seconds | None = None, grace: Seconds | None = None, eager: bool = False, name: str = "", **named: str,
    ) -> Stream:  # fmt: skip
        """Join rows of the same key that are near in time: `before` and `after` say how much older and newer the other row may be,
        `within` both at once, `grace` how late either may come. kind: INNER, LEFT, RIGHT or FULL. eager: an unmatched row that stays
        leaves at once, and once more for every row that it meets later; else when it can meet none any more."""
        node = self._then(name, "join", other)
        join = node.stream_stream_join
        join.kind = topology_pb2.JoinKind.Value(f"JOIN_KIND_{kind.upper()}")
        for field, given in (("before", within if before is None else before), ("after", within if after is None else after), ("grace", grace)):
            if given is not None:
                getattr(join, field).CopyFrom(duration(given))
        join.eager = eager
        join.columns.extend(_projections(columns, named))
        return Stream(self._topology, node.name)

    def join(self, table: Table, *columns: Projected, grace: Seconds | None = None, name: str = "", **named: str) -> Stream:
        """Join the table's row of the same key; rows without one are dropped. grace: how long rows wait for late ones of a versioned table."""
        return self._join(table, topology_pb2.JOIN_KIND_INNER, columns, named, grace, name)

    def left_join(self, table: Table, *columns: Projected, grace: Seconds | None = None, name: str = "", **named: str) -> Stream:
        """As join; without such a row the table's columns are null."""
        return self._join(table, topology_pb2.JOIN_KIND_LEFT, columns, named, grace, name)

    def _join(
        self, table: Table, kind: topology_pb2.JoinKind, columns: tuple[Projected, ...], named: dict[str, str], grace: Seconds | None,
        name: str,
    ) -> Stream:  # fmt: skip
        node = self._then(name, "join", table)
        node.stream_table_join.kind = kind
        if grace is not None:
            node.stream_table_join.grace.CopyFrom(duration(grace))
        node.stream_table_join.columns.extend(_projections(columns, named))
        return Stream(self._topology, node.name)

    def join_global(self, table: GlobalTable, *columns: Projected, keys: str | Sequence[str] = (), kind: str = "INNER", name: str = "", **named: str
                    ) -> Stream:  # fmt: skip
        """Join the row of a global table that `keys` name: expressions over this stream's row, without any its key. kind: INNER or LEFT."""
        node = self._then(name, "join", table)
        join = node.stream_global_join
        join.kind = topology_pb2.JoinKind.Value(f"JOIN_KIND_{kind.upper()}")
        join.keys.extend([keys] if isinstance(keys, str) else keys)
        join.columns.extend(_projections(columns, named))
        return Stream(self._topology, node.name)

    def to_table(self, *, history: Seconds | None = None, name: str = "") -> Table:
        """Read as changes: the newest row of each key. history: how long earlier rows are kept; such a table is versioned."""
        node = self._then(name, "to_table")
        node.to_table.SetInParent()
        if history is not None:
            node.to_table.history.CopyFrom(duration(history))
        return Table(self._topology, node.name)


class Processed:
    """A plug-in in a topology; its outputs by name."""

    def __init__(self, topology: Topology, name: str) -> None:
        self._topology = topology
        self.name = name
        """The node's name; a store of the plug-in is looked up as `topology.node.store`."""

    def __getitem__(self, output: str) -> Stream:
        return Stream(self._topology, f"{self.name}.{output}")


class GlobalTable(_Output):
    """A table that every worker has whole; streams join it with join_global."""


class Table(_Output):
    """A table in a topology. Materialised ones can be looked up as `topology.node`."""

    def filter(self, where: str, *, name: str = "") -> Table:
        """Keep the rows for which `where` is true; one that stops matching is deleted."""
        return Table(self._topology, self._filter(where, False, name))

    def filter_not(self, where: str, *, name: str = "") -> Table:
        """Keep the rows for which `where` is false or null."""
        return Table(self._topology, self._filter(where, True, name))

    def select(self, *columns: Projected, name: str = "", **named: str) -> Table:
        """Compute the value columns."""
        return Table(self._topology, self._select(columns, named, name))

    def join(self, other: Table, *columns: Projected, foreign_key: str = "", name: str = "", **named: str) -> Table:
        """Join rows of the same key, or each row with the other table's row that `foreign_key` names; without one there is none."""
        return self._join(other, topology_pb2.JOIN_KIND_INNER, columns, named, name, foreign_key)

    def left_join(self, other: Table, *columns: Projected, foreign_key: str = "", name: str = "", **named: str) -> Table:
        """As join; where the other table has no such row, its columns are null."""
        return self._join(other, topology_pb2.JOIN_KIND_LEFT, columns, named, name, foreign_key)

    def right_join(self, other: Table, *columns: Projected, name: str = "", **named: str) -> Table:
        """Join rows of the same key; where this table has none, its columns are null."""
        return self._join(other, topology_pb2.JOIN_KIND_RIGHT, columns, named, name)

    def full_join(self, other: Table, *columns: Projected, name: str = "", **named: str) -> Table:
        """Join rows of the same key; where either table has none, its columns are null."""
        return self._join(other, topology_pb2.JOIN_KIND_FULL, columns, named, name)

    def _join(
        self,
        other: Table,
        kind: topology_pb2.JoinKind,
        columns: tuple[Projected, ...],
        named: dict[str, str],
        name: str,
        foreign_key: str = "",
    ) -> Table:
        node = self._then(name, "join", other)
        node.table_table_join.kind = kind
        node.table_table_join.foreign_key = foreign_key
        node.table_table_join.columns.extend(_projections(columns, named))
        return Table(self._topology, node.name)

    def suppress(self, until: Seconds | str, *, max_records: int = 0, max_bytes: int = 0, when_full: str = "", name: str = "") -> Table:
        """Hold back updates, so that of each key the newest leaves: until "window_close", or for a time in the time of the rows. Bounds of 0
        are none; over one the longest waiting leaves early, or with when_full="stop" the task fails."""
        node = self._then(name, "suppress")
        node.suppress.max_records, node.suppress.max_bytes = max_records, max_bytes
        if when_full:
            node.suppress.when_full = topology_pb2.WhenFull.Value(f"WHEN_FULL_{when_full.upper()}")
        if isinstance(until, str):
            if until != "window_close":
                raise ValueError(f"until is 'window_close' or a time, not {until!r}")
            node.suppress.window_closes = True
        else:
            node.suppress.time_limit.CopyFrom(duration(until))
        return Table(self._topology, node.name)

    def to_stream(self, *, name: str = "") -> Stream:
        """Read the changes as records."""
        node = self._then(name, "to_stream")
        node.to_stream.SetInParent()
        return Stream(self._topology, node.name)


class Grouped:
    """Grouped rows, waiting for their aggregate."""

    def __init__(self, topology: Topology, ref: str, window: topology_pb2.Window | None = None) -> None:
        self._topology = topology
        self._ref = ref
        self._window = window

    def window(self, window: topology_pb2.Window) -> Grouped:
        """Cut time, such as `tumbling(minutes=1)`."""
        return Grouped(self._topology, self._ref, window)

    def aggregate(
        self, *columns: Projected, fold: Mapping[str, Fold] | None = None, name: str = "", emit: str = "", **named: str
    ) -> Table:
        """Fold each group: aggregate expressions such as total="SUM(price)", and behind them columns that expressions fold, by name. emit:
        CHANGES, or FINAL for windows that leave once, when they are closed; empty leaves the service's default."""
        node = self._topology._node(name, "aggregate", self._ref)
        if emit:
            node.aggregate.emit = topology_pb2.Emit.Value(f"EMIT_{emit.upper()}")
        node.aggregate.columns.extend(_projections(columns, named))
        return self._folded(node, {alias: ((one.add,), one) for alias, one in (fold or {}).items()})

    def reduce(self, *, undo: Mapping[str, str] | None = None, name: str = "", emit: str = "", **columns: str) -> Table:
        """Fold each group into one row of the columns named: it begins with the first row as it is, and each later one gives it by
        expressions over `acc.column` and `row.column`, such as price="GREATEST(acc.price, row.price)". undo: for tables, how a row is
        taken out again."""
        return self.aggregate(fold={alias: Fold("", add, undo=(undo or {}).get(alias, "")) for alias, add in columns.items()}, name=name, emit=emit)

    def cogroup(self, *others: Grouped, name: str = "", **columns: Cofold) -> Table:
        """Fold the rows of several grouped streams into one table: each column has its init and an add for every stream in order. The
        window is this one's."""
        node = self._topology._node(name, "cogroup", self._ref, *(other._ref for other in others))
        return self._folded(node, {alias: (one.add, one) for alias, one in columns.items()})

    def _folded(self, node: topology_pb2.Node, folds: Mapping[str, tuple[tuple[str, ...], Fold | Cofold]]) -> Table:
        for alias, (add, one) in folds.items():
            undo = one.undo if isinstance(one, Fold) else ""
            node.aggregate.accumulators.add(name=alias, init=one.init, add=add, undo=undo, merge=one.merge)
        if self._window is not None:
            node.aggregate.window.CopyFrom(self._window)
        return Table(self._topology, node.name)

    def count(self, alias: str = "COUNT", *, name: str = "", emit: str = "") -> Table:
        """Count the rows of each group."""
        return self.aggregate(("COUNT(*)", alias), name=name, emit=emit)


def _projections(columns: tuple[Projected, ...], named: dict[str, str]) -> list[topology_pb2.Projection]:
    """Expressions without a name, then those with one; a Python keyword argument keeps its spelling."""
    pairs = [(text, "") if isinstance(text, str) else text for text in columns]
    plain = [topology_pb2.Projection(expression=text, alias=alias) for text, alias in pairs]
    return plain + [topology_pb2.Projection(expression=text, alias=alias) for alias, text in named.items()]


def _origin(
    relation: str, columns: Columns | None, binding: Binding | None, start: Start, window: topology_pb2.Window | None = None
) -> topology_pb2.Origin:
    if columns is None:
        if not relation or binding is not None or window is not None:
            raise ValueError("give a relation's name, or columns and a binding to declare one")
        origin = topology_pb2.Origin(relation=relation)
    else:
        inline = topology_pb2.InlineRelation(schema=schema(columns), topic=(binding or Binding(topic=relation)).message())
        if window is not None:
            inline.window.CopyFrom(relation_pb2.WindowInfo(kind=window.kind, size=window.size, advance=window.advance))
        origin = topology_pb2.Origin(inline=inline)
    if start:
        origin.start.CopyFrom(start_position(start))
    return origin


def start_position(start: Start) -> topology_pb2.StartPosition:
    """`earliest`, `latest`, `snapshot`, a token to start after, or an aware datetime."""
    if isinstance(start, datetime):
        if start.tzinfo is None:
            raise ValueError(f"{start!r} has no time zone")
        position = topology_pb2.StartPosition()
        position.at_time.FromDatetime(start)
        return position
    match start:
        case "earliest":
            return topology_pb2.StartPosition(earliest=True)
        case "latest":
            return topology_pb2.StartPosition(latest=True)
        case "snapshot":
            return topology_pb2.StartPosition(snapshot=True)
        case _:
            return topology_pb2.StartPosition(after=position_pb2.PositionToken(value=start))


def _node_name(relation: str) -> str:
    """A relation's name as a node's: `topology.node` has a point, which node names do not."""
    return relation.replace(".", "_")
