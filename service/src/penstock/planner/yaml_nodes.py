"""Nodes and settings of a topology in YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from penstock_client.gen.penstock.v1 import relation_pb2, topology_pb2

from penstock.planner.validate import INPUTS
from penstock.planner.yaml_parts import Source, projections, rejoined
from penstock.planner.yaml_relations import DECLARATION, columns, declaration, topic

_ALIASES = {"stream": "source_stream", "table": "source_table", "join": "stream_table_join", "table_join": "table_table_join", "stream_join": "stream_stream_join", "global_join": "stream_global_join"}
_FOLDS = ("reduce", "cogroup")
"""Kinds that are an aggregate of accumulators alone."""
_BESIDE = ("name", "inputs", "input", "from", "window", "emit", "start", "history")
_STARTS = ("earliest", "latest", "snapshot")


def nodes(source: Source) -> Iterator[tuple[dict[str, Any], Source]]:
    """ProtoJSON of each node, with its place."""
    given = source.data.get("nodes")
    if isinstance(given, dict):
        for name in given:
            if not isinstance(given[name], dict):
                raise Source(given, source.lines).wrong(f"node {name} is a mapping with its kind, such as `filter: price > 100`", name)
            place = Source(given[name], source.lines)
            yield _node(place.derived({"name": name, **given[name]}), place), place
    elif isinstance(given, list):
        for i, item in enumerate(given):
            if not isinstance(item, dict):
                raise source.wrong(f"nodes[{i}] is a mapping with a name and its kind", "nodes")
            place = Source(item, source.lines)
            yield _node(place, place), place
    else:
        raise source.wrong("a topology needs nodes: a mapping by name, or a list", "nodes")


def _node(node: Source, place: Source) -> dict[str, Any]:
    name = node.text("name")
    if not name:
        raise place.wrong("a node needs its name")
    kinds = [k for k in node.data if k not in _BESIDE]
    if len(kinds) != 1:
        raise place.wrong(f"node {name} needs one kind, such as `filter: price > 100`" + (f", not {', '.join(kinds)}" if kinds else ""))
    written = kinds[0]
    if written in _FOLDS:
        place = node = place.derived({**{k: v for k, v in node.data.items() if k != written}, "aggregate": {"accumulators": node.data[written]}})
        written = "aggregate"
    kind = _snake(_ALIASES.get(written, written))
    if kind not in INPUTS:
        raise place.wrong(f"node {name}: there is no kind {written}; known are {', '.join(INPUTS)}", written)
    here = node.derived({**node.data, kind: node.data[written]})
    inputs = _inputs(node, place)
    body = _FORMS[kind](here, place)
    return {"name": name, "inputs": inputs, kind: body}


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def _inputs(node: Source, place: Source) -> list[str]:
    given = [node.data[k] for k in ("inputs", "input", "from") if k in node.data]
    if len(given) > 1:
        raise place.wrong("inputs are named once: `from`, or `inputs`")
    found = given[0] if given else []
    texts = found if isinstance(found, list) else [found]
    if not all(isinstance(t, str) for t in texts):
        raise place.wrong("inputs are names of nodes")
    return texts


Form = Callable[[Source, Source], Any]


def _source(kind: str) -> Form:
    def form(node: Source, place: Source) -> dict[str, Any]:
        given = node.data[kind]
        history: dict[str, Any] = {}
        if not isinstance(given, dict):
            origin: dict[str, Any] = {"relation": node.text(kind)}
        elif "origin" in given:
            return given
        else:
            here = node.child(kind)
            here.only("relation", "inline", "start", "topics", "pattern", "relations", "time", *(["history"] if kind == "source_table" else []),
                      *DECLARATION)
            history = _history(here)
            if any(way in given for way in ("topics", "pattern", "relations")):
                origin = {"topics": _topic_set(here)}
            elif "relation" in given:
                origin = {"relation": here.text("relation")}
            elif isinstance(given.get("inline"), dict) and "schema" in given["inline"]:
                origin = {"inline": given["inline"]}
            else:
                origin = {"inline": declaration(here.child("inline") if "inline" in given else here, node.text("name"))}
            if "start" in given:
                origin["start"] = _start(here)
        if "start" in node.data:
            origin["start"] = _start(node)
        timed = {"time": _time(node.child(kind))} if isinstance(given, dict) and "time" in given else {}
        return {"origin": origin, **timed, **history, **(_history(node) if kind == "source_table" else {})}

    return form


def _history(source: Source) -> dict[str, Any]:
    return {"history": source.duration("history")} if "history" in source.data else {}


def _to_table(node: Source, place: Source) -> dict[str, Any]:
    """`to_table: {}`, with `history: 1h` in it or beside it."""
    if isinstance(node.data["to_table"], dict):
        here = node.child("to_table")
        here.only("history")
        return _history(here) | _history(node)
    return _nothing("to_table")(node, place) | _history(node)


def _topic_set(here: Source) -> dict[str, Any]:
    """`{topics: [a, b], columns: [...]}`, `{pattern: "a-.*", columns: [...]}`, `{relations: [a, b]}`, or ProtoJSON's under `topics`."""
    if isinstance(here.data.get("topics"), dict):
        return here.data["topics"]  # type: ignore[no-any-return]
    body = {{"topics": "names"}.get(way, way): here.data[way] for way in ("topics", "pattern", "relations") if way in here.data}
    if "columns" in here.data or "schema" in here.data:
        body["relation"] = declaration(here.derived({k: v for k, v in here.data.items() if k != "topics"}), "")
    return body


def _time(here: Source) -> dict[str, Any]:
    """`time: COLUMN`, or `time: {column:, format:, on_bad_time: skip}`."""
    if not isinstance(here.data["time"], dict):
        return {"column": here.text("time")}
    time = here.child("time")
    time.only("column", "format", "on_bad_time")
    body = {key: time.text(key) for key in ("column", "format") if key in time.data}
    return body | ({"on_bad_time": time.enum("on_bad_time", topology_pb2.OnBadTime, "ON_BAD_TIME_")} if "on_bad_time" in time.data else {})


def _start(source: Source) -> Any:
    given = source.data["start"]
    if isinstance(given, dict):
        return given
    if given not in _STARTS:
        try:
            at = datetime.fromisoformat(str(given))
        except ValueError:
            at = None
        if at is not None:
            return {"atTime": at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC).isoformat().replace("+00:00", "Z")}
        raise source.wrong(f"start is {', '.join(_STARTS)}, a time such as 2025-01-31T12:00:00Z or {{after: TOKEN}}, not {given!r}", "start")
    return {given: True}


def _filter(node: Source, place: Source) -> dict[str, Any]:
    given = node.data["filter"]
    if isinstance(given, dict):
        node.child("filter").only("where", "negate")
        return given
    return {"where": _condition(given)}


def _condition(value: Any) -> str:
    """YAML's true and false are SQL's."""
    return ("TRUE" if value else "FALSE") if isinstance(value, bool) else str(value)


def _listed(kind: str, entry: str) -> Form:
    """`select: [...]`, or ProtoJSON's `select: {columns: [...]}`."""

    def form(node: Source, place: Source) -> dict[str, Any]:
        given = node.data[kind]
        if given is None:
            return {}
        if isinstance(given, dict) and isinstance(given.get(entry), (list, dict)):
            here = node.child(kind)
            here.only(entry)
            return {entry: projections(here, entry)}
        return {entry: projections(node, kind)} if given != {} else {}

    return form


def _partition_by(node: Source, place: Source) -> dict[str, Any]:
    """`partition_by: [...]`, or `{without_key: true}`."""
    given = node.data["partition_by"]
    if isinstance(given, dict) and ("without_key" in given or "withoutKey" in given):
        node.child("partition_by").only("without_key", "withoutKey")
        return dict(given)
    return dict(_listed("partition_by", "keys")(node, place))


def _aggregate(node: Source, place: Source) -> dict[str, Any]:
    """`aggregate: {N: COUNT(*)}`, or `{columns: ..., accumulators: ..., window: ..., emit: ...}`."""
    given = node.data["aggregate"]
    nested = isinstance(given, dict) and any(isinstance(given.get(k), (list, dict)) for k in ("columns", "accumulators"))
    here = node.child("aggregate") if nested else node
    if nested:
        here.only("columns", "accumulators", "window", "emit")
    body: dict[str, Any] = {}
    if not nested or "columns" in here.data:
        body["columns"] = projections(here, "columns" if nested else "aggregate")
    if nested and "accumulators" in here.data:
        body["accumulators"] = _accumulators(here)
    if "window" in here.data or "window" in node.data:
        body["window"] = _window(here.child("window") if "window" in here.data else node.child("window"))
    for place in (here, node):
        if "emit" in place.data:
            body["emit"] = place.enum("emit", topology_pb2.Emit, "EMIT_")
    return body


def _accumulators(source: Source) -> list[dict[str, Any]]:
    """`{TOTAL: {init: 0, add: total + price}}`, `{TOTAL: acc.total + row.total}` for a reduce, or ProtoJSON's list. Of several inputs
    `add` is a list."""
    given = source.data["accumulators"]
    items = [{"name": n, **(g if isinstance(g, dict) else {"add": g})} for n, g in given.items()] if isinstance(given, dict) else given
    found = []
    for item in items:
        if not isinstance(item, dict):
            raise source.wrong("an accumulator is a mapping with init and add", "accumulators")
        here = Source(item, source.lines)
        here.only("name", "init", "add", "undo", "merge")
        add = item.get("add")
        texts = ["" if text is None else str(text) for text in (add if isinstance(add, list) else [add])]
        found.append({"add": texts} | {k: _condition(item[k]) for k in ("name", "init", "undo", "merge") if item.get(k) is not None})
    return found


_WINDOWS = ("tumbling", "hopping", "sliding", "session")


def _window(source: Source) -> dict[str, Any]:
    """`{tumbling: 1m}`, `{hopping: 1m, advance: 10s}`, `{kind: tumbling, size: 1m}` or ProtoJSON's."""
    source.only(*_WINDOWS, "kind", "size", "advance", "gap", "grace", "retention")
    named = [k for k in _WINDOWS if k in source.data]
    if len(named) > 1:
        raise source.wrong(f"a window is {' or '.join(named)}, not both", named[1])
    kind = named[0] if named else ""
    length = "gap" if kind == "session" else "size"
    if kind and length in source.data:
        raise source.wrong(f"the {length} of a window is said once: `{kind}: 1m`", length)
    body: dict[str, Any] = {"kind": f"WINDOW_KIND_{kind.upper()}", length: source.duration(kind)} if kind else (
        {"kind": source.enum("kind", relation_pb2.WindowKind, "WINDOW_KIND_")} if "kind" in source.data else {})
    return body | {key: source.duration(key) for key in ("size", "advance", "gap", "grace", "retention") if key in source.data}


def _join(operator: str, *durations: str) -> Form:
    """`table_join: left`, or `table_join: {kind: left, columns: [...]}` with what else the operator takes."""

    def form(node: Source, place: Source) -> dict[str, Any]:
        given = node.data[operator]
        if not isinstance(given, dict):
            return {} if given is None else {"kind": node.enum(operator, topology_pb2.JoinKind, "JOIN_KIND_")}
        here = node.child(operator)
        texts = ("foreign_key",) if operator == "table_table_join" else ()
        keys = ("keys",) if operator == "stream_global_join" else ()
        flags = ("eager",) if operator == "stream_stream_join" else ()
        here.only("kind", "columns", *durations, *texts, *keys, *flags)
        body: dict[str, Any] = {"kind": here.enum("kind", topology_pb2.JoinKind, "JOIN_KIND_")} if "kind" in given else {}
        body |= {key: here.duration(key) for key in durations if key in given}
        body |= {key: here.text(key) for key in texts if key in given}
        body |= {key: given[key] if isinstance(given[key], list) else [here.text(key)] for key in keys if key in given}
        body |= {key: given[key] for key in flags if key in given}
        if "within" in body:
            within = body.pop("within")
            body = {"before": within, "after": within} | body
        return body | ({"columns": projections(here, "columns")} if given.get("columns") else {})

    return form


def _suppress(node: Source, place: Source) -> dict[str, Any]:
    """`{until: window_close}`, `{until: 10s, max_records: 1000, when_full: stop}`, or ProtoJSON's."""
    here = node.child("suppress")
    here.only("until", "window_closes", "time_limit", "max_records", "max_bytes", "when_full")
    full = {"when_full": here.enum("when_full", topology_pb2.WhenFull, "WHEN_FULL_")} if "when_full" in here.data else {}
    if "until" not in here.data:
        return dict(here.data) | full
    closes = here.text("until") == "window_close"
    body: dict[str, Any] = {"window_closes": True} if closes else {"time_limit": here.duration("until")}
    return body | full | {key: here.data[key] for key in ("max_records", "max_bytes") if key in here.data}


def _repartition(node: Source, place: Source) -> dict[str, Any]:
    """`repartition: 8`, `{partitions: 8}`, or nothing."""
    given = node.data["repartition"]
    if isinstance(given, dict):
        node.child("repartition").only("partitions")
        return given
    return {} if given is None else {"partitions": given}


def _deduplicate(node: Source, place: Source) -> dict[str, Any]:
    """`deduplicate: 10m`, or `{within: 10m, ids: [order], grace: 1h}`."""
    if not isinstance(node.data["deduplicate"], dict):
        return {"within": node.duration("deduplicate")}
    here = node.child("deduplicate")
    here.only("within", "ids", "grace")
    body: dict[str, Any] = {key: here.duration(key) for key in ("within", "grace") if key in here.data}
    ids = here.data.get("ids", [])
    return body | {"ids": [str(i) for i in (rejoined(here, "ids", ids, "()") if isinstance(ids, list) else [ids])]}


def _peek(node: Source, place: Source) -> dict[str, Any]:
    """`peek: {}`, `peek: [a, b * 2 AS c]`, or `{columns: ..., max_per_second: 5}`."""
    given = node.data["peek"]
    if given is None or given == {}:
        return {}
    if isinstance(given, dict) and {"columns", "max_per_second", "maxPerSecond"} & set(given):
        here = node.child("peek")
        here.only("columns", "max_per_second", "maxPerSecond")
        rest = {key: value for key, value in given.items() if key != "columns"}
        return rest | ({"columns": projections(here, "columns")} if "columns" in given else {})
    return {"columns": projections(node, "peek")}


def _branch(node: Source, place: Source) -> dict[str, Any]:
    here = node.child("branch")
    default = here.text("default") or here.text("default_output") or here.text("defaultOutput")
    outputs = here.data.get("outputs")
    if outputs is None:
        outputs = {k: v for k, v in here.data.items() if k not in ("default", "default_output", "defaultOutput")}
    else:
        here.only("outputs", "default", "default_output", "defaultOutput")
    if isinstance(outputs, dict):
        outputs = [{"name": name, "where": _condition(where)} for name, where in outputs.items()]
    return {"outputs": outputs, "default_output": default}


def _processor(node: Source, place: Source) -> dict[str, Any]:
    """`processor: name`, or `processor: {name:, config: {...}, outputs: {alerts: [columns]}}`; an output may be `{columns:, keeps_key: true}`."""
    if not isinstance(node.data["processor"], dict):
        return {"processor": node.text("processor")}
    here = node.child("processor")
    here.only("name", "processor", "config", "outputs")
    body: dict[str, Any] = {"processor": here.text("name") or here.text("processor")}
    if isinstance(config := here.data.get("config"), dict):
        body["config"] = {str(k): ("true" if v else "false") if isinstance(v, bool) else str(v) for k, v in config.items()}
    outputs = here.data.get("outputs")
    if isinstance(outputs, dict):
        body["outputs"] = [_processor_output(here.child("outputs"), name) for name in outputs]
    elif outputs is not None:
        body["outputs"] = outputs
    return body


def _processor_output(outputs: Source, name: str) -> dict[str, Any]:
    given = outputs.data[name]
    here = outputs.child(name) if isinstance(given, dict) else outputs.derived({"columns": given})
    here.only("columns", "keeps_key")
    return {"name": name, "schema": {"columns": columns(here)}, "keeps_key": bool(here.data.get("keeps_key"))}


def _remote_processor(node: Source, place: Source) -> dict[str, Any]:
    """`remote_processor: {processor: name, outputs: {out: [columns]}, stores: {totals: [columns]}, ...}`, outputs as a processor's."""
    here = node.child("remote_processor")
    here.only("processor", "outputs", "stores", "config", "bundle_rows", "bundle_timeout", "max_attempts", "timers")
    body: dict[str, Any] = {"processor": here.text("processor")} | {k: here.data[k] for k in ("bundle_rows", "max_attempts", "timers") if k in here.data}
    if "bundle_timeout" in here.data:
        body["bundle_timeout"] = here.duration("bundle_timeout")
    if isinstance(config := here.data.get("config"), dict):
        body["config"] = {str(k): str(v) for k, v in config.items()}
    for part, form in (("outputs", _processor_output), ("stores", _remote_store)):
        given = here.data.get(part)
        body[part] = [form(here.child(part), name) for name in given] if isinstance(given, dict) else given or []
    return body


def _remote_store(stores: Source, name: str) -> dict[str, Any]:
    given = stores.data[name]
    here = stores.child(name) if isinstance(given, dict) else stores.derived({"columns": given})
    here.only("columns")
    return {"name": name, "schema": {"columns": columns(here)}}


def _nothing(kind: str) -> Form:
    def form(node: Source, place: Source) -> dict[str, Any]:
        if node.data[kind] not in (None, {}, True):
            raise place.wrong(f"{kind} takes nothing: write `{kind}: {{}}`", kind)
        return {}

    return form


def _sink(node: Source, place: Source) -> dict[str, Any]:
    given = node.data["sink"]
    if not isinstance(given, dict):
        return {} if given is None else {"relation": node.text("sink")}
    here = node.child("sink")
    here.only("relation", "topic_expression", "headers", "drop_headers", "insert", *(k for k in DECLARATION if k not in ("columns", "schema")))
    body: dict[str, Any] = {"relation": here.text("relation"), "topic_expression": here.text("topic_expression")}
    body |= {key: given[key] for key in ("drop_headers", "insert") if key in given}
    if "headers" in given:
        body["headers"] = projections(here, "headers")
    binding = topic(here, "")
    return body | ({"topic": binding} if binding else {})


_FORMS: Mapping[str, Form] = {
    "source_stream": _source("source_stream"), "source_table": _source("source_table"), "filter": _filter,
    "select": _listed("select", "columns"), "explode": _listed("explode", "columns"), "partition_by": _partition_by,
    "group_by": _listed("group_by", "keys"), "aggregate": _aggregate, "stream_table_join": _join("stream_table_join", "grace"),
    "global_table": _source("global_table"), "stream_global_join": _join("stream_global_join"),
    "table_table_join": _join("table_table_join"),
    "stream_stream_join": _join("stream_stream_join", "before", "after", "within", "grace"), "merge": _nothing("merge"),
    "branch": _branch, "to_table": _to_table, "to_stream": _nothing("to_stream"), "suppress": _suppress, "processor": _processor, "remote_processor": _remote_processor, "sink": _sink,
    "repartition": _repartition, "deduplicate": _deduplicate, "peek": _peek,
}


def settings(source: Source) -> dict[str, Any]:
    """Friendly or ProtoJSON's; `every` for UPDATE_MODE_EVERY, `max_task_idle: never` for a task that never waits."""
    source.only("guarantee", "commit_interval", "commitInterval", "on_bad_record", "onBadRecord", "updates", "max_task_idle", "maxTaskIdle",
                "standbys")
    bad = (topology_pb2.OnBadRecord, "ON_BAD_RECORD_")
    enums = {"guarantee": (topology_pb2.Guarantee, "GUARANTEE_"), "on_bad_record": bad, "onBadRecord": bad,
             "updates": (topology_pb2.UpdateMode, "UPDATE_MODE_")}
    body = {key: source.enum(key, *values) for key, values in enums.items() if key in source.data}
    body |= {key: source.data[key] for key in ("standbys",) if key in source.data}
    return body | {key: source.duration(key) for key in ("commit_interval", "commitInterval") if key in source.data} | {
        key: "-0.001s" if source.text(key) == "never" else source.duration(key) for key in ("max_task_idle", "maxTaskIdle") if key in source.data}
