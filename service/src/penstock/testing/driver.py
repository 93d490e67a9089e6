"""TopologyTestDriver: a topology without broker, node or clock of its own. It plans and compiles as the service does and runs the same
compiled code, synchronously; repartition topics are looped back at once.

    driver = TopologyTestDriver(yaml_text_or_definition_or_plan, relations=[...])
    driver.append("purchases", key="c1", value={"PRICE": 12.5}, timestamp=1000)
    driver.read_output("spend")         # commits first, so that LATEST_PER_COMMIT sends its latest values
    driver.read_store("totals")

One partition by default; with more, keys choose them as Kafka's producer does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from penstock.clock import ManualClock
from penstock.engine.compile import compile_sub
from penstock.engine.head_times import HeadTime, head_times
from penstock.engine.merge import merge_by_timestamp
from penstock.engine.port import BadRecord, Bindings, Program
from penstock.engine.processors.bundles import Bundle, Result, Shape, check
from penstock.engine.rowview import Row, row_view
from penstock.errors import RequestError
from penstock.log.port import Record, valid_topic
from penstock.log.records import partitions_of
from penstock.plan.nodes import Repartition, RoutedSink, Sink, SourceStream, SourceTable, SourceTopic, TopicRef
from penstock.plan.relations import RelationInfo, Relations
from penstock.plan.resolved import Published, ResolvedPlan, SubTopology, Updates
from penstock.plugins import functions, installed
from penstock.plugins.processor import Processor
from penstock.state.memory import MemoryEnvironment, MemoryTaskState
from penstock.state.port import Stamp, Store
from penstock.testing.records import DriverRecord, Headers, OutputRecord, TopicCodec
from penstock.testing.relations import FixedRelations
from penstock.types.schema import Schema

FOREVER = float("inf")


class TopicRows:
    """An engine.port.Output that keeps what a run wrote until the driver takes it."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.rows: list[tuple[bytes | None, bytes | None, int, Headers]] = []


class TopicRoutes:
    """An engine.port.RoutedOutput likewise."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.rows: list[tuple[str | None, bytes | None, bytes | None, int, Headers, Record]] = []


class DriverTopic:
    """A topic in memory: records by partition."""

    def __init__(self, name: str, partitions: int) -> None:
        self.name = name
        self.partitions: list[list[DriverRecord]] = [[] for _ in range(partitions)]
        self.order: list[tuple[int, DriverRecord]] = []  # over all partitions, as written
        self.read = 0

    def append(self, partition: int, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> int:
        """Write; gives the offset."""
        log = self.partitions[partition]
        record = DriverRecord(len(log), timestamp, key, value, tuple(headers))
        log.append(record)
        self.order.append((partition, record))
        return record.offset


@dataclass
class DriverTask:
    """A sub-topology on one partition."""

    sub: SubTopology
    partition: int
    state: MemoryTaskState
    program: Program
    outputs: Mapping[str, TopicRows]
    routed: Mapping[str, TopicRoutes]
    positions: dict[str, int]
    times: Mapping[str, HeadTime]

    def drop(self) -> None:
        """Nobody sees what a call wrote that failed."""
        for output in self.outputs.values():
            output.rows.clear()
        for routes in self.routed.values():
            routes.rows.clear()

    def follows(self, topic: str) -> str:
        """The topic of the plan as which a pattern reads another one; empty when none matches."""
        patterns = [n for n in self.sub.nodes if isinstance(n, SourceStream) and n.pattern]
        return next((n.topic.topic for n in patterns if re.fullmatch(n.pattern, topic)), "")


Remote = Callable[[Shape, Bundle], Result]
"""Stands for a program that serves a remote processor."""


class TopologyTestDriver:
    """Runs one topology. updates: overrides the plan's setting. start_ms: where its clock stands. processors: plug-ins that are not
    installed. programs: for remote processors by name, and for functions by `NAME/version`: what one makes of a bundle. before: a driver whose topology this one updates: stores of the same names go on with what they hold."""

    __test__ = False

    def __init__(self, topology: Any, relations: Relations | Iterable[RelationInfo] = (), *, updates: Updates | None = None,
                 partitions: int = 1, start_ms: int = 0, processors: Mapping[str, type[Processor]] | None = None,
                 programs: Mapping[str, Remote] | None = None, before: TopologyTestDriver | None = None) -> None:
        functions.install()
        for name, processor in (processors or {}).items():
            installed.add(name, processor)
        self._programs = dict(programs or {})
        self.relations: Relations = FixedRelations(relations, partitions) if isinstance(relations, Iterable) else relations
        plan = topology if isinstance(topology, ResolvedPlan) else planned(topology, self.relations, partitions)
        if updates is not None:
            plan = replace(plan, settings=replace(plan.settings, updates=updates))
        self.plan: ResolvedPlan = plan
        self.clock = ManualClock(start_ms)
        self.dead_letters: list[BadRecord] = []
        self.expression_errors: list[tuple[str, Exception]] = []
        self.late: list[str] = []
        self.peeked: list[tuple[str, dict[str, object]]] = []
        self._topics: dict[str, DriverTopic] = {}
        self._codecs: dict[str, TopicCodec] = {}
        self._names: dict[str, str] = {}
        for sub in (*plan.subs, *plan.globals):
            self._declare(sub)
        kept = [] if before is None else before._tasks
        if before is not None:
            before.commit()
        self._read_globals: dict[tuple[str, int], int] = {}
        self._globals: list[DriverTask] = []
        self._globals = [self._updated(sub, 0, [] if before is None else before._globals) for sub in plan.globals]
        self._tasks: list[DriverTask] = [self._updated(sub, p, [t for t in kept if t.partition == p]) for sub in plan.subs
                                         for p in range(max(1, sub.partitions))]

    # -- what tests call --------------------------------------------------------------------------------------------------------

    def append(self, relation: str, *, key: object = None, value: object = None, timestamp: int | None = None, headers: Headers = (),
               partition: int | None = None, window_start: int | None = None, window_end: int | None = None) -> int:
        """Write a record to a relation or topic and process all that follows from it; gives its offset.

        key: bytes, the key column's value, or a list or dict of several. value: bytes, text of the format, a dict of columns, None for
        a null value. timestamp: ms; absent means the driver's clock."""
        topic = self._topic(relation)
        codec = self._codecs[topic.name]
        key_bytes = codec.key_bytes(key, window_start, window_end)
        if partition is None:
            partition = partitions_of([key_bytes], len(topic.partitions))[0]
        at = self.clock.now_ms() if timestamp is None else timestamp
        offset = topic.append(partition, key_bytes, codec.value_bytes(value), at, headers)
        self._process()
        return offset

    def add_topic(self, topic: str) -> None:
        """A topic that comes while the topology runs: sources whose pattern matches it read it too, with as many partitions as they have tasks."""
        tasks = [task for task in self._tasks if task.follows(topic)]
        if not tasks or topic in self._topics:
            raise RequestError("INVALID_ARGUMENT", f"topic {topic} matches no pattern of this topology, or is there already")
        like = tasks[0].follows(topic)
        source = next(n for n in tasks[0].sub.nodes if isinstance(n, SourceStream) and n.topic.topic == like)
        self._add_topic(replace(source.topic, topic=topic, partitions=tasks[0].sub.partitions), source.schema, 1)
        self._names[topic] = topic
        for task in tasks:
            if task.sub is tasks[0].sub:
                task.program.read_too(topic, like)
                task.positions[topic] = 0

    def append_record(self, topic: str, record: DriverRecord) -> None:
        """Write a record's bytes to partition 0 of a topic and process all that follows from it."""
        self._topics[topic].append(0, record.key, record.value, record.timestamp, record.headers)
        self._process()

    def append_records(self, topic: str, records: Iterable[DriverRecord]) -> None:
        """Write records' bytes to partition 0 of a topic, then process all that follows from them."""
        for record in records:
            self._topics[topic].append(0, record.key, record.value, record.timestamp, record.headers)
        self._process()

    def records(self, topic: str) -> list[DriverRecord]:
        """All records of a topic in the order in which they were written; commits first."""
        self.commit()
        return [record for _, record in self._topics[topic].order]

    def read_output(self, relation: str) -> list[OutputRecord]:
        """Records written to a relation or topic since the last call, in the order in which they were written. Commits first."""
        self.commit()
        topic = self._topic(relation)
        new, topic.read = topic.order[topic.read:], len(topic.order)
        codec = self._codecs[topic.name]
        return [codec.decode(record, partition) for partition, record in new]

    @property
    def topics(self) -> list[str]:
        """All topics that it reads or writes, the internal ones too, as they were made."""
        return list(self._topics)

    def raw_output(self, relation: str) -> list[bytes | None]:
        """Value bytes of what the next read_output gives; commits first, reads nothing."""
        self.commit()
        topic = self._topic(relation)
        return [record.value for _, record in topic.order[topic.read:]]

    def table_schema(self, name: str) -> Schema:
        """Columns of what read_store gives."""
        return self._published(name).schema

    def _published(self, name: str) -> Published:
        wanted = {name.lower(), f"{self.plan.topology}.{name}".lower()}
        found = next((p for p in self.plan.published if p.store and (p.name.lower() in wanted or p.node.lower() == name.lower())), None)
        if found is None:
            raise RequestError("UNKNOWN_RELATION", f"no table {name} is kept by this topology")
        return found

    def read_store(self, name: str) -> list[Row]:
        """Rows of a published table or materialised node (`node` or `topology.node`), by key bytes, as a lookup would see them."""
        self.commit()
        found = self._published(name)
        view = row_view(self.plan, found)
        entries = sorted((entry for task in (*self._tasks, *self._globals) if task.sub.name == found.sub
                          for entry in task.state.store(found.store).range(b"", b"")), key=lambda entry: entry[0])
        return [row for key, value in entries if (row := view.decode(key, value)) is not None]

    def advance_time(self, ms: int) -> None:
        """Move the clock; punctuations by the clock that become due are called once, as Kafka Streams' driver does, and timers are fired."""
        self.clock.advance(ms)
        for task in self._tasks:
            task.program.punctuate(self.clock.now_ms())
            self._process_remotely(task)
            self._take(task)
        self._process()

    def flush(self) -> None:
        """Send on the latest values of changed groups, until nothing is left anywhere."""
        while True:
            for task in self._tasks:
                task.program.flush(FOREVER)
            moved = sum(self._take(task) for task in self._tasks)
            self._process()
            if not moved:
                return

    def commit(self) -> None:
        """Flush, then commit every task's stores."""
        self.flush()
        for task in (*self._tasks, *self._globals):
            inputs = {f"{topic}[{task.partition}]": at for topic, at in task.positions.items()}
            task.state.commit(task.state.freeze(), Stamp(self.plan.incarnation, 1, "test", inputs, {}, "", self.clock.now_ms()))

    @property
    def sources(self) -> dict[str, str]:
        """Generated Python by sub-topology."""
        return {task.sub.name: task.program.source for task in self._tasks}

    # -- how it works -----------------------------------------------------------------------------------------------------------

    def _declare(self, sub: SubTopology) -> None:
        for node in sub.nodes:
            if isinstance(node, SourceStream) and node.topics:
                for topic, name in zip_longest(node.topics, node.relations, fillvalue=""):
                    assert isinstance(topic, SourceTopic)
                    self._add_topic(replace(node.topic, topic=topic.topic, partitions=topic.partitions), node.schema, sub.partitions)
                    self._names[str(name).lower() or topic.topic] = topic.topic
            elif isinstance(node, SourceStream | SourceTable | Sink):
                self._add_topic(node.topic, node.schema, sub.partitions)
                self._names[node.relation.lower()] = node.topic.topic
            elif isinstance(node, Repartition):
                self._add_topic(node.topic, node.schema, sub.partitions)

    def _add_topic(self, ref: TopicRef, schema: Schema, partitions: int) -> None:
        if ref.topic not in self._topics:
            self._topics[ref.topic] = DriverTopic(ref.topic, ref.partitions or max(1, partitions))
            if not ref.topic.startswith(self.plan.group) or ref.topic not in {t.topic for t in self.plan.internal}:
                self._codecs[ref.topic] = TopicCodec(ref, schema)

    def _topic(self, relation: str) -> DriverTopic:
        name = self._names.get(relation.lower(), relation)
        if name not in self._topics or name not in self._codecs:
            known = ", ".join(sorted(self._names)) or "none"
            raise RequestError("UNKNOWN_RELATION", f"no relation or topic {relation} in this topology; there are: {known}")
        return self._topics[name]

    def _updated(self, sub: SubTopology, partition: int, before: Sequence[DriverTask]) -> DriverTask:
        """A task that goes on with what earlier ones kept."""
        scalars = {name: value for task in before for name, value in task.program.scalars().items()}
        return self._task(sub, partition, _carried(sub, before), scalars)

    def restart(self) -> None:
        """Commit, then begin anew with what a commit keeps, as after the end of a node: stores, stream times, positions."""
        self.commit()
        before, self._tasks = self._tasks, []
        for task in before:
            kept = task.program.scalars()
            task.program.close()
            made = self._task(task.sub, task.partition, task.state.environment, kept)
            for topic in task.positions.keys() - made.positions.keys():
                made.program.read_too(topic, task.follows(topic))
            made.positions = task.positions
            self._tasks.append(made)

    def _task(self, sub: SubTopology, partition: int, environment: MemoryEnvironment | None = None, scalars: Mapping[str, int] | None = None
              ) -> DriverTask:
        state = MemoryTaskState(sub.stores, environment)
        state.take("test")
        outputs = {topic: TopicRows(topic) for topic in sub.written}
        routed = {n.name: TopicRoutes(n.name) for n in sub.nodes if isinstance(n, RoutedSink)}
        bindings = Bindings(self.plan.topology, partition, self._stores(sub, state), outputs,
                            self.dead_letters.append, lambda node, error: self.expression_errors.append((node, error)),
                            self.late.append, self.clock, lambda node, at, columns: self.peeked.append((node, dict(columns))), routed)
        program = compile_sub(sub, self.plan.settings, bindings)
        program.restore_scalars(scalars or {})
        program.open()
        names = {n.name for n in sub.nodes}
        positions = {t.topic: 0 for n in sub.nodes if isinstance(n, SourceStream | SourceTable) for t in n.reads} | {
            n.topic.topic: 0 for n in sub.nodes if isinstance(n, Repartition) and (
                not any(i.partition(".")[0] in names for i in n.inputs) or any(n.name in m.inputs for m in sub.nodes))}
        return DriverTask(sub, partition, state, program, outputs, routed, positions, head_times(sub))

    def _stores(self, sub: SubTopology, state: MemoryTaskState) -> dict[str, Store]:
        """Its own, and those of the global tables that it joins."""
        own: dict[str, Store] = {s.name: state.store(s.name) for s in sub.stores}
        return own | {task.sub.name: task.state.store(task.sub.name) for task in self._globals if task.sub.name in sub.global_tables}

    def _fill_globals(self) -> None:
        """Global tables read all partitions of their topics, and first of all."""
        for task in self._globals:
            (topic,) = task.positions
            for number, log in enumerate(self._topics[topic].partitions):
                at = self._read_globals.get((topic, number), 0)
                task.program.run(topic, log[at:])
                self._read_globals[topic, number] = len(log)

    def _process(self) -> None:
        """Run tasks until no input has records left."""
        self._fill_globals()
        while sum(self._run(task) for task in self._tasks):
            self._fill_globals()

    def _run(self, task: DriverTask) -> int:
        """Records processed."""
        waiting: list[tuple[str, Sequence[DriverRecord]]] = []
        for topic, at in task.positions.items():
            if task.partition >= len(self._topics[topic].partitions):
                continue
            log = self._topics[topic].partitions[task.partition]
            waiting.append((topic, log[at:]))
            task.positions[topic] = len(log)
        for topic, records in merge_by_timestamp(waiting, task.times):
            try:
                task.program.run(topic, records)
                self._process_remotely(task)
                task.program.expire()
            except Exception:
                task.drop()
                raise
            self._take(task)
        return sum(len(records) for _, records in waiting)

    def _process_remotely(self, task: DriverTask) -> None:
        """What was gathered goes to its program at once, and then the timers that are due."""
        for host in task.program.remotes:
            while (bundle := host.bundle(self.clock.now_ms())) is not None:
                name = host.shape.processor
                program = self._programs.get(name)
                if program is None:
                    raise RequestError("UNKNOWN_PROCESSOR", f"{host.node.name}: give the driver what stands for {name}, "
                                       f"TopologyTestDriver(..., programs={{{name!r}: ...}})", {"node": host.node.name})
                result = program(host.shape, bundle)
                check(host.shape, bundle, result)
                host.apply(result)

    def _take(self, task: DriverTask) -> int:
        """Move a task's output rows into their topics; how many."""
        moved = 0
        for output in task.outputs.values():
            topic = self._topics[output.topic]
            rows, count = output.rows, len(topic.partitions)
            if rows:
                moved += len(rows)
                own = task.partition % count
                for (key, value, at, headers), p in zip(rows, partitions_of([r[0] for r in rows], count), strict=True):
                    topic.append(own if key is None else p, key, value, at, headers)
                rows.clear()
        for routes in task.routed.values():
            for name, key, value, at, headers, record in routes.rows:
                found = self._routed_to(task, routes.node, name)
                if found is None:
                    why = "the topic expression is null" if name is None else f"topic {name} does not exist"
                    self.dead_letters.append(BadRecord(routes.node, "", task.partition, record, why))
                else:
                    moved += 1
                    count = len(found.partitions)
                    found.append(task.partition % count if key is None else partitions_of([key], count)[0], key, value, at, headers)
            routes.rows.clear()
        return moved

    def _routed_to(self, task: DriverTask, node: str, name: str | None) -> DriverTopic | None:
        """The topic that a row names, made where the sink may make it."""
        sink = next(n for n in task.sub.nodes if n.name == node)
        assert isinstance(sink, RoutedSink)
        if name is None or name.startswith(f"{self.plan.service_id}-"):
            return None
        if name not in self._topics:
            exists = self.relations.topic_partitions(name)
            if not exists and not (sink.create and valid_topic(name)):
                return None
            self._add_topic(replace(sink.topic, topic=name, partitions=exists or sink.partitions or 1), sink.schema, 1)
        return self._topics[name]


def _carried(sub: SubTopology, before: Sequence[DriverTask]) -> MemoryEnvironment:
    """An environment that holds what earlier tasks kept in stores of these names."""
    made = MemoryEnvironment()
    for spec in sub.stores:
        for old in (t.state.environment for t in before if spec.name in t.state.environment.stores):
            made.stores[spec.name], made.schemas[spec.name] = old.stores[spec.name], dict(old.schemas[spec.name])
            if spec.name in old.expired:
                made.expired[spec.name] = old.expired[spec.name]
    return made


def planned(topology: Any, relations: Relations, partitions: int = 1) -> ResolvedPlan:
    """Plan of a definition: YAML text or a penstock.v1.Topology."""
    from penstock.planner import plan_topology

    definition = loaded(topology) if isinstance(topology, str) else topology
    return plan_topology(definition, relations, service_id="test", incarnation=1, default_partitions=partitions)


def loaded(text: str) -> Any:
    """A definition out of YAML text."""
    from penstock.planner.definition import load_topology

    return load_topology(text)
