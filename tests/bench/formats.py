"""What the formats cost beside each other: the stateless workload's compiled function over records in memory, on one core, without log and
node. One line a format: {figure, value: records a CPU second, unit, ratio_to_json, bytes: of a record}."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from penstock.clock import ManualClock
from penstock.engine.compile import compile_sub
from penstock.engine.port import Bindings
from penstock.formats.registry import REGISTRY, writer
from penstock.formats.schemas import using
from penstock.plan.nodes import Format, RelationKind, Sink, TopicRef
from penstock.plan.relations import RelationInfo
from penstock.planner import plan_topology
from penstock.planner.convert import to_schema
from penstock.schemas.memory import MemoryRegistry
from penstock.schemas.pinning import pin_plan, pin_topic
from penstock.testing.driver import TopicRows
from penstock.testing.records import DriverRecord
from penstock.testing.relations import FixedRelations
from penstock_client.declare import Binding, schema
from workloads import COLUMNS, WORKLOADS

FORMATS = ("JSON", "JSON_SR", "AVRO", "PROTOBUF", "PROTOBUF_NOSR")
RECORDS, ROUNDS = 4_000, 5


def _rows(count: int) -> Iterator[tuple[object, ...]]:
    for n in range(count):
        yield (n, 1_700_000_000_000 + n, f"user-{n % 997}", f"4{n:015d}", n * 37 % 100_000, "EUR", f"shop-{n % 89}", "NO")


def records_a_second(name: str) -> tuple[float, int]:
    """(records a CPU second of the best round, bytes of a record)."""
    registry, fields = MemoryRegistry(), to_schema(schema(COLUMNS))
    topic = pin_topic(TopicRef("in", 1, Format("KAFKA"), Format(name)), fields, "payments", registry, sink=False)
    made = WORKLOADS["w1"].topology("formats", ["payments"], "out").message()
    for node in made.nodes:
        if node.HasField("sink"):
            node.sink.topic.CopyFrom(Binding(value_format=name).message())
            node.sink.topic.topic = "out"
    relations = FixedRelations([RelationInfo("payments", RelationKind.STREAM, fields, topic)])
    with using(registry.by_id):
        plan = pin_plan(plan_topology(made, relations, service_id="bench", incarnation=1), registry)
        (sub,) = plan.subs
        outputs = {n.topic.topic: TopicRows(n.topic.topic) for n in sub.nodes if isinstance(n, Sink)}
        bad: list[Any] = []
        program = compile_sub(sub, plan.settings, Bindings("formats", 0, {}, outputs, bad.append, lambda n, e: None, lambda n: None, ManualClock()))
        write = writer(topic.value_format, fields.value, "value").write
    records = [DriverRecord(n, n, b"k", write(row)) for n, row in enumerate(_rows(RECORDS))]
    best = 0.0
    for _ in range(ROUNDS):
        for rows in outputs.values():
            rows.rows.clear()
        start = time.process_time()
        program.run("in", records)
        best = max(best, RECORDS / (time.process_time() - start))
    assert not bad and 0 < sum(len(o.rows) for o in outputs.values()) < RECORDS, "the filter lets some through"
    return best, len(records[0].value or b"")


def figures() -> Iterator[dict[str, Any]]:
    """A line for each format."""
    base = 0.0
    for name in FORMATS:
        value, size = records_a_second(name)
        base = base or value
        yield {"figure": f"format {name}", "log": "none", "value": round(value), "unit": "records/CPU s", "target": None, "reached": None,
               "ratio_to_json": round(value / base, 2), "bytes": size, "registry": name in REGISTRY}
