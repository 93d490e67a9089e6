"""ASSERT TOPIC, SCHEMA, STREAM and TABLE: what must be there, now or within a time."""

from __future__ import annotations

from penstock.plan.nodes import RelationKind
from penstock.plan.relations import RelationInfo
from penstock.sql import tree
from penstock.sql.catalog import InSession, StatementCatalog
from penstock.sql.declare import declare, schema_of
from penstock.sql.effects import Await, AwaitSchema, Effect
from penstock.sql.faults import folded, refuse
from penstock.types.schema import Schema

DEFAULT_MS = 1000


def decide(statement: tree.Assert, catalog: InSession) -> Effect:
    """The wait that an ASSERT is. ASSERT VALUES and NULL VALUES read records one by one, which test scripts do and a service does not."""
    timeout = DEFAULT_MS if statement.timeout_ms is None else statement.timeout_ms
    match statement.what:
        case "TOPIC":
            return _topic(statement, timeout)
        case "SCHEMA":
            subject, number = statement.name.text, statement.schema_id
            if not subject and not number:
                raise refuse("ASSERT SCHEMA needs a SUBJECT or an ID", statement)
            what = " ".join([*([f"subject {subject}"] if subject else ()), *([f"id {number}"] if number else ())])
            return AwaitSchema(f"Schema with {what} {'exists' if statement.exists else 'does not exist'}.", subject, number, statement.exists, timeout)
        case "RELATION":
            return _relation(statement, catalog, timeout)
    raise refuse(f"ASSERT {statement.what} belongs to test scripts: run them with `penstock test`", statement)


def _topic(statement: tree.Assert, timeout: int) -> Effect:
    name = statement.name.text
    wanted = {p.name: p.value for p in statement.properties}
    unknown = [p for p in statement.properties if p.name not in ("PARTITIONS", "REPLICAS")]
    if unknown:
        raise refuse(f"Cannot assert unknown topic property: {unknown[0].name}", unknown[0])
    wrong = next((p for p in statement.properties if not p.value.isdecimal()), None)
    if wrong is not None:
        raise refuse(f"Invalid value {wrong.value} for property {wrong.name}: it is a whole number", wrong)
    if not statement.exists:
        return Await(f"Topic {name} does not exist.", timeout, lambda c: "" if c.topic_partitions(name) is None else f"Topic {name} exists")

    def complaint(now: StatementCatalog) -> str:
        found = next((x for x in now.all_topics() if x.name == name), None)
        if found is None:
            return f"Topic {name} does not exist."
        actual = {"PARTITIONS": found.partitions, "REPLICAS": found.replicas}
        for key, value in wanted.items():
            if int(value) != actual[key] and actual[key]:
                return f"Mismatched configuration for topic {name}: For config {key.lower()}, expected {value} got {actual[key]}"
        return ""

    return Await(f"Topic {name} exists.", timeout, complaint)


def _relation(statement: tree.Assert, catalog: InSession, timeout: int) -> Effect:
    name = folded(statement.name)
    if not statement.exists:
        return Await(f"{name} does not exist.", timeout, lambda c: "" if _of(c, name) is None else f"{statement.kind.capitalize()} {name} exists")

    def complaint(now: StatementCatalog) -> str:
        found = _of(now, name)
        if found is None:
            return f"{statement.kind.capitalize()} {name} does not exist"
        return difference(statement, found, InSession(now, catalog.session))

    return Await(f"{statement.kind.capitalize()} {name} exists.", timeout, complaint)


def _of(catalog: StatementCatalog, name: str) -> RelationInfo | None:
    found = catalog.find(name)
    return found if found is not None and found.name == name else None


def difference(statement: tree.Assert, found: RelationInfo, catalog: InSession) -> str:
    """What an ASSERT STREAM or TABLE says otherwise than the relation is, "" for nothing. Only what it says is compared."""
    name = found.name

    def told(what: str) -> str:
        return f"Expected {what} does not match actual for source {name}."

    if found.kind is not RelationKind(statement.kind):
        return told("type")
    given = {p.name for p in statement.properties}
    if not statement.properties:
        wanted = schema_of(statement.elements, found.kind, catalog) if statement.elements else None
        return told("schema") if wanted is not None and not _same(wanted, found.schema) else ""
    made = declare(tree.Create(statement.start, statement.end, statement.kind, statement.name, False, False, False, statement.elements,
                               statement.properties, None), catalog).info
    checks = [
        ("schema", not _same(made.schema, found.schema)), ("kafka topic", made.topic.topic != found.topic.topic),
        ("key format", made.topic.key_format.name != found.topic.key_format.name),
        ("value format", made.topic.value_format.name != found.topic.value_format.name),
        ("key serde features", _wrapped(made, "key") != _wrapped(found, "key")), ("value serde features", _wrapped(made, "value") != _wrapped(found, "value")),
        ("key format properties", made.topic.key_format != found.topic.key_format),
        ("value format properties", made.topic.value_format != found.topic.value_format),
        ("timestamp column", "TIMESTAMP" in given and made.topic.timestamp_column != found.topic.timestamp_column),
        ("timestamp format", "TIMESTAMP_FORMAT" in given and made.topic.timestamp_format != found.topic.timestamp_format),
        ("window", made.window is not None and (found.window is None or (made.window.kind, made.window.size_ms) != (found.window.kind, found.window.size_ms))),
    ]
    return next((told(what) for what, wrong in checks if wrong), "")


def _wrapped(info: RelationInfo, part: str) -> str:
    """Whether a single column is wrapped, "" where the format's way is not changed."""
    fmt = info.topic.key_format if part == "key" else info.topic.value_format
    return fmt.property("WRAP_SINGLE_VALUE")


def _same(left: Schema, right: Schema) -> bool:
    return left.columns == right.columns
