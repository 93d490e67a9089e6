"""Topology cases: behaviour as data. A file holds one case, several documents, or `cases:` with entries that all of them share.

    name: counts purchases by customer
    relations:                                   # declarations as in planner/definition.py
      - {stream: purchases, columns: [CUSTOMER STRING KEY, PRICE DOUBLE]}
    topics: [other]                              # more topics that exist
    topology:                                    # YAML form of planner/definition.py; `topology:` may be left out of it
      nodes:
        purchases: {stream: purchases}
        ...
    updates: every                               # or latest; default: the topology's setting
    partitions: 1
    inputs:
      - {to: purchases, key: c1, value: {PRICE: 2.5}, at: 1000}
      - {to: purchases, key: c1, value: '{"PRICE": 3}', at: 1001, headers: {h: text}}      # text is the topic's own bytes
      - {to: purchases, key_hex: ff, value_hex: ff00}
      - commit                                   # send on latest values, commit stores
      - restart                                  # begin anew with what a commit keeps
      - {advance: 5000}                          # the clock
      - {add_topic: sales-north}                 # a topic that a source's pattern finds
    outputs:                                     # in order, complete; a row names what it wants compared
      spend: [{key: c1, value: {N: 1}, at: 1000, window: 0, raw: '{"N":1}', headers: {}, partition: 0}]
    tables:                                      # rows by key, complete
      totals: [{key: c1, value: {N: 2}, window: 0, at: 1001}]
    dead_letters: [{node: purchases, reason: malformed, topic: purchases, offset: 1}]          # complete; reason: a part of it
    late: {totals: 1}
    expression_errors: {masked: 1}
    error: {reason: UNKNOWN_COLUMN, node: masked, message: part of it, start: 0, end: 5, field: part of it}     # refused, nothing runs

Inputs are absent where the case is refused. Omitted expectations are not checked, except that dead letters must be expected.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock.engine.rowview import Row
from penstock.errors import ExpressionError, RequestError
from penstock.plan.resolved import Updates
from penstock.planner.definition import relation_of, topology_of
from penstock.planner.yaml_text import read_documents
from penstock.testing.driver import TopologyTestDriver
from penstock.testing.records import OutputRecord, plain
from penstock.testing.relations import FixedRelations, relation_info
from penstock.testing.sql_cases import is_sql_file
from penstock.types.schema import Schema

FIELDS = frozenset({"name", "relations", "topics", "topology", "updates", "partitions", "inputs", "outputs", "tables", "dead_letters",
                    "late", "expression_errors", "error"})


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a file."""

    file: str
    name: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """How a case went. differences: one text each, for people; empty when it passed."""

    case: Case
    seconds: float
    differences: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences


def load_cases(path: Path) -> list[Case]:
    """Cases of a file, or of all *.yaml below a directory in order of their paths. RequestError(INVALID_ARGUMENT) for what is none."""
    files = sorted(p for ending in ("*.yaml", "*.yml", "*.json") for p in path.rglob(ending)) if path.is_dir() else [path]
    return [case for file in files if not (path.is_dir() and is_sql_file(file)) for case in _of_file(file)]


def _of_file(file: Path) -> Iterator[Case]:
    try:
        documents, _ = read_documents(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError("INVALID_ARGUMENT", f"{file}: {error.strerror}") from error
    except RequestError as error:
        raise RequestError("INVALID_ARGUMENT", f"{file}: {error.message}") from error
    for number, document in enumerate(documents):
        if not isinstance(document, dict):
            raise RequestError("INVALID_ARGUMENT", f"{file}: a case is a mapping with name, topology, inputs, outputs")
        shared = {k: v for k, v in document.items() if k != "cases"}
        for place, data in enumerate(document.get("cases", [document])):
            whole = {**shared, **data}
            if unknown := sorted(set(whole) - FIELDS):
                raise RequestError("INVALID_ARGUMENT", f"{file}: a case has no entry {', '.join(unknown)}")
            yield Case(str(file), str(whole.get("name") or f"{file.stem} {number + 1}.{place + 1}"), whole)


def run_case(case: Case) -> Result:
    """Plan, compile, run, compare. An unexpected refusal is a difference, not an exception."""
    start = time.perf_counter()
    expected = case.data.get("error")
    try:
        driver = driver_of(case.data)
        for number, step in enumerate(case.data.get("inputs") or ()):
            do_step(driver, step, number)
        found = [f"expected to be refused: {expected}"] if expected else _compare(driver, case.data)
    except RequestError as error:
        found = _compare_error(error, expected) if expected else [f"refused: {error.reason}: {error.message}"]
    return Result(case, time.perf_counter() - start, tuple(found))


def driver_of(data: Mapping[str, Any], updates: Updates | None = None) -> TopologyTestDriver:
    """The driver of a case. updates: in place of what the case says."""
    partitions = int(data.get("partitions") or 1)
    declared = [relation_info(relation_of(entry)) for entry in data.get("relations") or ()]
    definition = topology_of({"topology": "t", **(data.get("topology") or {})})
    updates = updates or {"every": Updates.EVERY, "latest": Updates.LATEST_PER_COMMIT, None: None}[data.get("updates")]
    return TopologyTestDriver(definition, FixedRelations(declared, partitions, data.get("topics") or ()), updates=updates,
                              partitions=partitions)


def do_step(driver: TopologyTestDriver, step: Any, number: int) -> None:
    """One entry of a case's inputs."""
    if step == "commit":
        driver.commit()
    elif step == "restart":
        driver.restart()
    elif isinstance(step, dict) and set(step) == {"advance"}:
        driver.advance_time(int(step["advance"]))
    elif isinstance(step, dict) and set(step) == {"add_topic"}:
        driver.add_topic(str(step["add_topic"]))
    elif isinstance(step, dict) and "to" in step:
        key, value = (bytes.fromhex(str(step[f"{part}_hex"])) if f"{part}_hex" in step else step.get(part) for part in ("key", "value"))
        headers = tuple((k, None if v is None else str(v).encode()) for k, v in (step.get("headers") or {}).items())
        driver.append(step["to"], key=key, value=value, timestamp=step.get("at"), headers=headers, partition=step.get("partition"),
                      window_start=step.get("window"), window_end=step.get("end"))
    else:
        raise RequestError("INVALID_ARGUMENT", f"input {number + 1} is no record (`to`, `key`, `value`, `at`), `commit`, `restart`, `advance` or `add_topic`")


def _compare(driver: TopologyTestDriver, data: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    driver.commit()
    for relation, wanted in (data.get("outputs") or {}).items():
        raw = driver.raw_output(relation)
        actual = [_shown_record(record, value) for record, value in zip(driver.read_output(relation), raw, strict=True)]
        found += _differences(f"output {relation}", wanted or [], actual)
    for table, wanted in (data.get("tables") or {}).items():
        rows = [_shown_row(row, driver.table_schema(table)) for row in driver.read_store(table)]
        found += _differences(f"table {table}", wanted or [], rows)
    letters = [{"node": b.node, "topic": b.topic, "offset": b.record.offset, "reason": b.reason} for b in driver.dead_letters]
    found += _differences("dead letter", data.get("dead_letters") or [], letters)
    counts = {"late": dict(Counter(driver.late)), "expression_errors": dict(Counter(n for n, _ in driver.expression_errors))}
    found += [f"{what}: expected {dict(data[what] or {})}, got {count}" for what, count in counts.items()
              if what in data and dict(data[what] or {}) != count]
    return found


def _shown_record(record: OutputRecord, raw: bytes | None) -> dict[str, Any]:
    return {"key": plain(record.key), "value": plain(record.value), "at": record.timestamp, "window": record.window_start, "end": record.window_end,
            "headers": {k: None if v is None else v.decode("utf-8", "replace") for k, v in record.headers},
            "partition": record.partition, "raw": None if raw is None else raw.decode("utf-8", "replace")}


def _shown_row(row: Row, schema: Schema) -> dict[str, Any]:
    key: object = row.key[0] if len(row.key) == 1 else dict(zip((c.name for c in schema.key), row.key, strict=True))
    values = dict(zip((c.name for c in schema.value), row.values, strict=True))
    return {"key": plain(key), "value": plain(values), "at": row.timestamp, "window": row.window_start, "end": row.window_end}


def _differences(what: str, wanted: Sequence[Mapping[str, Any]], actual: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for number in range(max(len(wanted), len(actual))):
        place = f"{what} {number + 1}"
        if number >= len(actual):
            found.append(f"{place}: missing {dict(wanted[number])}")
        elif number >= len(wanted):
            found.append(f"{place}: unexpected {_brief(actual[number])}")
        else:
            found += [f"{place}: {name}: expected {value!r}, got {actual[number].get(name)!r}" for name, value in wanted[number].items()
                      if not _equal(name, value, actual[number].get(name))]
    return found


def _brief(record: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in record.items() if k not in ("raw", "headers", "partition") and not (k in ("window", "end") and v is None)}


def _equal(name: str, wanted: Any, actual: Any) -> bool:
    if name == "reason":
        return str(wanted) in str(actual)
    if isinstance(wanted, float | int) and isinstance(actual, float | int):
        return isinstance(wanted, bool) == isinstance(actual, bool) and wanted == actual
    if isinstance(wanted, dict) and isinstance(actual, dict):
        return wanted.keys() == actual.keys() and all(_equal("", v, actual[k]) for k, v in wanted.items())
    return bool(wanted == actual)


def _compare_error(error: RequestError, expected: Mapping[str, Any]) -> list[str]:
    actual: dict[str, Any] = {"reason": error.reason, "node": error.metadata.get("node", ""), "message": error.message,
                              "field": error.metadata.get("field", "")}
    if isinstance(error, ExpressionError):
        actual |= {"start": error.start, "end": error.end}
        actual["node"] = error.node or actual["node"]
        actual["field"] = error.field or actual["field"]
    partly = ("message", "field")
    return [f"error: {name}: expected {value!r}, got {actual.get(name)!r}" for name, value in expected.items()
            if (str(value) not in str(actual.get(name)) if name in partly else actual.get(name) != value)]
