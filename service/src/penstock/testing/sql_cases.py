"""SQL cases in JSON or YAML: `{"cases": [{"name", "kind", "statements", "inputs", "outputs", ...}]}`, numbers with their own digits.

Kind `topics`: statements are executed in order, the inputs appended to their topics, every query run over them, and the records of the
topics under `outputs` compared in order. A case with `expected_error` must be refused at its last statement.
Kind `live`: statements, records, then SELECTs, whose lines are compared (sql_live.py).
Kind `script`: statements one by one, records inserted and asserted between them (sql_script.py). Other kinds are skipped.
"""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from penstock.errors import ExpressionError, RequestError
from penstock.plan.nodes import Format, TopicRef
from penstock.sql import tree
from penstock.sql.faults import folded
from penstock.sql.parser import parse_statements
from penstock.sql.properties import read
from penstock.testing import registered_values
from penstock.testing.records import DriverRecord
from penstock.testing.registered_topics import register
from penstock.testing.sql_engine import PARTITIONS, SqlEngine
from penstock.testing.sql_live import LiveEngine
from penstock.testing.sql_script import Script
from penstock.testing.sql_values import decode, encode, equal, json_text, key_kind, split_key, value_kind, windowed_key
from penstock.types.schema import Schema

SECONDS = 20
"""Of the processor; a case that takes longer is cut off, and one that waits WAITING times as long."""
WAITING = 10


@dataclass(frozen=True, slots=True)
class SqlResult:
    """status: pass, fail, error or skip. rejected: the right statement was refused in other words. plan: how expected.sources went."""

    name: str
    status: str
    detail: str = ""
    rejected: bool = False
    plan: str = ""

    def line(self) -> dict[str, Any]:
        """As `penstock test --json` prints it."""
        data: dict[str, Any] = {"name": self.name, "status": self.status}
        if self.detail:
            data["detail"] = " ".join(self.detail.split())[:500]
        if self.rejected:
            data["rejected"] = True
        return data | ({"plan": self.plan} if self.plan else {})


class Skip(Exception):
    """The case was not tried."""


class Slow(BaseException):
    """The case took too long."""


class _Exact(yaml.SafeLoader):
    """YAML whose fractions keep their digits."""


_Exact.add_constructor("tag:yaml.org,2002:float", lambda _loader, node: Decimal(str(node.value)))


def _read(path: Path) -> Any:
    text = path.read_text("utf-8")
    return json.loads(text, parse_float=Decimal) if path.suffix == ".json" else yaml.load(text, _Exact)  # noqa: S506


def is_sql_file(path: Path) -> bool:
    """Whether a file holds SQL cases."""
    if path.suffix not in (".json", ".yaml", ".yml"):
        return False
    try:
        if "statements" not in path.read_text("utf-8"):
            return False
        head = _read(path)
    except (OSError, ValueError, yaml.YAMLError):
        return False
    cases = head.get("cases") if isinstance(head, dict) else None
    return isinstance(cases, list) and any(isinstance(c, dict) and "statements" in c for c in cases)


def sql_files(path: Path) -> list[Path]:
    """The files of SQL cases under a path."""
    found = sorted(f for f in path.rglob("*") if f.suffix in (".json", ".yaml", ".yml")) if path.is_dir() else [path]
    return [f for f in found if is_sql_file(f)]


def load_sql_cases(path: Path) -> list[dict[str, Any]]:
    """Cases of one file. What stands beside `cases` is shared by all of them; shared statements, `given`, come before a case's own."""
    data = _read(path)
    shared = {k: v for k, v in data.items() if k not in ("cases", "given")}
    return [{**shared, **case, "statements": [*data.get("given", ()), *case["statements"]]} for case in data["cases"]]


def run_sql_case(case: Mapping[str, Any]) -> SqlResult:
    """One case; never raises."""
    name = str(case.get("name", ""))
    try:
        with _limit(SECONDS):
            return _run(name, case)
    except Skip as skip:
        return SqlResult(name, "skip", str(skip))
    except Slow:
        return SqlResult(name, "error", f"took longer than {SECONDS} s")
    except Exception as error:  # the runner says what broke and goes on
        return SqlResult(name, "error", f"{type(error).__name__}: {error}")


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Slow

    before = [(number, signal.signal(number, stop)) for number in (signal.SIGALRM, signal.SIGPROF)]
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(seconds * WAITING)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in before:
            signal.signal(number, handler)


def _run(name: str, case: Mapping[str, Any]) -> SqlResult:
    kind = case.get("kind", "topics")
    if "needs:test-udf" in case.get("tags", ()):
        raise Skip("needs a function of another project's tests")
    if kind == "script":
        return _script(name, case)
    if kind == "live":
        return _live(name, case)
    if kind != "topics":
        raise Skip(f"kind {kind} is not built")
    expected = case.get("expected_error")
    engine = SqlEngine(_settings(case))
    try:
        statements = parse_statements("\n".join(case["statements"]))
    except RequestError as error:
        return _refused(name, error, expected, True)
    _topics(engine, case, statements)
    for number, statement in enumerate(statements):
        try:
            engine.execute(statement)
        except RequestError as error:
            return _refused(name, error, expected, number == len(statements) - 1)
    engine.run([(r["topic"], _record(r, engine)) for r in case.get("inputs") or ()])
    if expected:
        bad = next((b for b in engine.bad if expected.get("type") == "StreamsException"), None)
        if bad is not None:  # where another engine stops, the record is a dead letter
            return SqlResult(name, "fail", f"a dead letter: {bad.reason}", rejected=True)
        return SqlResult(name, "fail", f"expected to fail with: {expected.get('contains', '')}")
    if not engine.queries:
        return SqlResult(name, "fail", "no persistent query")
    wrong, other = _sources(case, engine)
    plan = "" if not (case.get("expected") or {}).get("sources") else "fail" if wrong or other else "pass"
    differences = wrong or _compare(case, engine)
    return SqlResult(name, "fail" if differences else "pass", differences or (f"plan: {other}" if other else ""), plan=plan)


def _script(name: str, case: Mapping[str, Any]) -> SqlResult:
    expected = case.get("expected_error")
    script = Script(_settings(case))
    for number, text in enumerate(case["statements"], 1):
        try:
            script.run(text)
        except RequestError as error:
            return _refused(name, error, expected, number == len(case["statements"]))
    return SqlResult(name, "fail", f"expected to fail with: {expected.get('contains', '')}") if expected else SqlResult(name, "pass")


def _live(name: str, case: Mapping[str, Any]) -> SqlResult:
    """Statements, records, then SELECTs, whose lines are compared."""
    expected = case.get("expected_error")
    engine = LiveEngine(_settings(case))
    queries = case.get("queries") or []
    try:
        statements = parse_statements("\n".join(case["statements"]))
        _topics(engine, case, statements)
        for statement in statements:
            engine.execute(statement)
    except RequestError as error:
        return _refused(name, error, expected, not queries)
    later = bool(case.get("inputs_after_push_query_starts"))

    def produce() -> None:
        for r in case.get("inputs") or ():
            record = _record(r, engine)
            engine.append(r["topic"], record.key, record.value, record.timestamp, record.headers)

    if not later:
        produce()
    for number, query in enumerate(queries, 1):
        try:
            answer = engine.query(query["sql"], before=produce if later else None)
        except RequestError as error:
            return _refused(name, error, expected, number == len(queries))
        if "rows" in query and (found := lines_differ(query["rows"], answer.lines())):
            return SqlResult(name, "fail", f"query {number}: {found}")
    if expected:
        return SqlResult(name, "fail", f"expected to fail with: {expected.get('contains', '')}")
    differences = _compare(case, engine, headers=False)
    return SqlResult(name, "fail" if differences else "pass", differences)


def _settings(case: Mapping[str, Any]) -> dict[str, str]:
    """Session properties: truth as SQL writes it."""
    return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in (case.get("properties") or {}).items()}


def _refused(name: str, error: RequestError, expected: Mapping[str, Any] | None, last: bool) -> SqlResult:
    text = f"{error.reason}: {error.message}" if not isinstance(error, ExpressionError) else error.message
    if error.reason == "UNSUPPORTED" and expected is None:
        raise Skip(text)
    if expected is None or not last:
        return SqlResult(name, "fail", f"refused: {text}")
    if str(expected.get("contains", "")) in text and not expected.get("cause_contains"):
        return SqlResult(name, "pass")
    return SqlResult(name, "fail", f"refused in other words: {text}", rejected=True)


def _topics(engine: SqlEngine, case: Mapping[str, Any], statements: list[tree.Statement]) -> None:
    """Topics that exist before the first statement."""
    topics = engine.catalog.topics
    for topic in case.get("topics") or ():
        topics[topic["name"]] = int(topic.get("partitions") or 1)
    for s in statements:  # a case says 1 where it says nothing: a statement knows better
        if isinstance(s, tree.Create):
            said = {p.name: p.value for p in s.properties}
            wanted, number = said.get("KAFKA_TOPIC") or folded(s.name), said.get("PARTITIONS", "")
            if wanted in topics and number.isdecimal() and int(number):
                topics[wanted] = int(number)
    register(engine.catalog, case.get("topics") or (), statements)
    for s in statements:
        if isinstance(s, tree.Create) and s.query is None and s.elements:
            given = {p.name: p.value for p in s.properties}
            if name := given.get("KAFKA_TOPIC"):
                count = given.get("PARTITIONS", "")
                topics.setdefault(name, int(count) if count.isdecimal() and int(count) else PARTITIONS)
    for r in (*(case.get("inputs") or ()), *(case.get("outputs") or ())):
        topics.setdefault(r["topic"], PARTITIONS)


def _format_of(topic: str, engine: SqlEngine) -> tuple[TopicRef, Schema]:
    for info in engine.catalog.relations.values():
        if info.topic.topic == topic:
            return info.topic, info.schema
    return engine.formats.get(topic) or (TopicRef(topic, 0, Format("KAFKA"), Format("JSON")), Schema(()))


def _record(r: Mapping[str, Any], engine: SqlEngine) -> DriverRecord:
    ref, schema = _format_of(r["topic"], engine)
    inner, value = (_part(r.get(part), fmt, part, ref.topic, schema, engine) for part, fmt in (("key", ref.key_format), ("value", ref.value_format)))
    key = windowed_key(inner, r.get("window"))
    headers = tuple((h["key"], None if h.get("value") is None else base64.b64decode(h["value"])) for h in r.get("headers") or ())
    return DriverRecord(0, int(r.get("timestamp") or 0), key, value, headers)


def _part(value: Any, fmt: Format, part: str, topic: str, schema: Schema, engine: SqlEngine) -> bytes | None:
    columns = schema.key if part == "key" else schema.value
    if value is not None and fmt.name in registered_values.NAMES and columns:
        return registered_values.encode(value, fmt, columns, "key" if part == "key" else "value", topic, engine.catalog.schemas)
    return encode(value, fmt, key_kind(schema) if part == "key" else value_kind(schema))


def _decoded(data: bytes | None, fmt: Format, part: str, schema: Schema, engine: SqlEngine) -> Any:
    columns = schema.key if part == "key" else schema.value
    if data is not None and fmt.name in registered_values.NAMES and columns:
        return registered_values.decode(data, fmt, columns, "key" if part == "key" else "value", engine.catalog.schemas)
    return decode(data, fmt, key_kind(schema) if part == "key" else value_kind(schema))


def _compare(case: Mapping[str, Any], engine: SqlEngine, headers: bool = True) -> str:
    """The first difference, or nothing."""
    outputs: dict[str, list[Mapping[str, Any]]] = {}
    for r in case.get("outputs") or ():
        outputs.setdefault(r["topic"], []).append(r)
    exact = str((case.get("properties") or {}).get("use.exact.numeric.comparison", "true")).lower() != "false"
    for topic, wanted in outputs.items():
        records = engine.log.get(topic, [])
        ref, schema = _format_of(topic, engine)
        for number, r in enumerate(wanted):
            if number >= len(records):
                return f"{topic}: {len(records)} records instead of {len(wanted)}" + (f"; bad: {engine.bad[0].reason}" if engine.bad else "")
            if found := _record_differs(r, records[number], ref, schema, exact, bool(case.get("inputs")), engine, headers):
                return f"{topic} {number + 1}: {found}"
        if len(records) > len(wanted):
            return f"{topic}: {len(records)} records instead of {len(wanted)}"
    return ""


def _record_differs(r: Mapping[str, Any], record: DriverRecord, ref: TopicRef, schema: Schema, exact: bool, timed: bool, engine: SqlEngine,
                    whole: bool) -> str:
    inner, window = split_key(record.key, ref.window)
    key = _decoded(inner, ref.key_format, "key", schema, engine) if ref.key_format.name != "NONE" else inner
    value = _decoded(record.value, ref.value_format, "value", schema, engine)
    if not equal(r.get("key"), key, exact):
        return f"key: expected {json_text(r.get('key'))}, got {key!r}"
    if not equal(r.get("value"), value, exact):
        return f"value: expected {json_text(r.get('value'))}, got {value!r}"
    if not whole:
        return _time_differs(r, record, timed)
    headers = [(h["key"], None if h.get("value") is None else base64.b64decode(h["value"])) for h in r.get("headers") or ()]
    if headers != list(record.headers):
        return f"headers: expected {headers}, got {list(record.headers)}"
    if found := _time_differs(r, record, timed):
        return found
    given = r.get("window")
    if (given is None) != (window is None) or given and window and any(int(given[k]) != window[k] for k in ("start", "end")):
        return f"window: expected {given}, got {window}"
    return ""


def _time_differs(r: Mapping[str, Any], record: DriverRecord, timed: bool) -> str:
    if "timestamp" in r and int(r["timestamp"]) != record.timestamp and (timed or int(r["timestamp"])):
        return f"timestamp: expected {r['timestamp']}, got {record.timestamp}"
    return ""


# ---- lines of an answer

def lines_differ(wanted: list[Mapping[str, Any]], actual: list[dict[str, Any]]) -> str:
    """The first difference of an answer's lines; rows in any order."""
    if len(wanted) != len(actual):
        return f"{len(actual)} lines instead of {len(wanted)}: {_brief(actual)}"
    columns = [[line["row"]["columns"] for line in lines if "row" in line and "columns" in line["row"]] for lines in (wanted, actual)]
    rest = list(columns[1])
    for row in columns[0]:
        match = next((r for r in rest if same_cells(row, r)), None)
        if match is None:
            return f"no row {json_text(row)} in {_brief(columns[1])}"
        rest.remove(match)
    for number, (line, other) in enumerate(zip(wanted, actual, strict=True), 1):
        for kind, value in line.items():
            name, _, how = kind.partition("|")
            if name not in other:
                return f"line {number}: expected {name}, got {_brief(other)}"
            if found := _part_differs(value, other[name], how):
                return f"line {number}: {found}"
    return ""


def _part_differs(wanted: Any, actual: Any, how: str = "") -> str:
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            name, _, inner = key.partition("|")
            if name == "columns":
                continue
            if not isinstance(actual, dict) or name not in actual:
                return f"no {name}"
            if found := _part_differs(value, actual[name], inner):
                return found
        return ""
    same = str(actual).startswith(str(wanted)) if how == "starts_with" else actual == wanted
    return "" if same else f"expected {wanted!r}, got {actual!r}"


def same_cells(wanted: Any, actual: Any) -> bool:
    """Values of equal type: whole numbers by value, fractions in value and scale, nested ones in full."""
    match wanted:
        case bool() | None | str():
            return type(wanted) is type(actual) and wanted == actual
        case int():
            return isinstance(actual, int) and not isinstance(actual, bool) and actual == wanted
        case Decimal():
            return isinstance(actual, Decimal) and actual == wanted and actual.as_tuple().exponent == wanted.as_tuple().exponent
        case list():
            return isinstance(actual, list) and len(actual) == len(wanted) and all(map(same_cells, wanted, actual))
        case dict():
            return isinstance(actual, dict) and actual.keys() == wanted.keys() and all(same_cells(v, actual[k]) for k, v in wanted.items())
    return False


def _brief(value: Any) -> str:
    return " ".join(str(value).split())[:300]


# ---- expected.sources

def _sources(case: Mapping[str, Any], engine: SqlEngine) -> tuple[str, str]:
    """(difference in a field that the case itself checks, difference in another)."""
    wrong = other = ""
    for source in (case.get("expected") or {}).get("sources") or ():
        checked = source.get("checked") or ()
        for name, found in _source_differs(source, engine):
            if name in checked:
                wrong = wrong or f"source {source['name']}: {found}"
            else:
                other = other or f"source {source['name']}: {found}"
    return wrong, other


def _source_differs(source: Mapping[str, Any], engine: SqlEngine) -> Iterator[tuple[str, str]]:
    info = engine.catalog.relations.get(source["name"])
    if info is None:
        yield "type", "does not exist"
        return
    actual = {"type": info.kind.value.lower(), "key_format": info.topic.key_format.name, "value_format": info.topic.value_format.name}
    for name, value in actual.items():
        if name in source and str(source[name]).upper() != value.upper():
            yield name, f"{name}: expected {source[name]}, got {value}"
    if "schema" in source and (wanted := _columns(source["schema"])) is not None:
        found = [(c.name, str(c.type), c.role.value, c.header) for c in info.schema]
        if wanted != found:
            yield "schema", f"schema: expected {source['schema']}, got {', '.join(f'{n} {t} {r}' for n, t, r, _ in found)}"
    window = None if info.window is None else info.window.kind.name.lower()
    if "window" in source and (source["window"] or {}).get("type") != window:
        yield "window", f"window: expected {source['window']}, got {window}"


def _columns(text: str) -> list[tuple[str, str, str, str]] | None:
    """Columns of an expected schema; None where the text is not one."""
    if not text.strip():
        return []
    from penstock.sql.declare import type_of
    from penstock.testing.sql_engine import MemoryCatalog

    try:
        statement = parse_statements(f"CREATE STREAM S ({text}) WITH (KAFKA_TOPIC='t');")[0]
    except RequestError:
        return None
    assert isinstance(statement, tree.Create) and statement.elements is not None
    read(statement.properties, statement.name, True)
    role = {"": "VALUE", "KEY": "KEY", "PRIMARY KEY": "KEY", "HEADERS": "HEADER", "HEADER": "HEADER"}
    catalog = MemoryCatalog()
    return [(folded(e.name), str(type_of(e, catalog)), role[e.constraint], e.header) for e in statement.elements]
