"""The request's windows as values of plan/, checked. Numbers are milliseconds."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from penstock_client.gen.penstock.v1 import relation_pb2, topology_pb2

from penstock.plan.nodes import Window, WindowKind
from penstock.planner.convert import millis
from penstock.planner.refuse import refuse

DAY_MS = 86_400_000

_LENGTH = {WindowKind.TUMBLING: "size", WindowKind.HOPPING: "size", WindowKind.SLIDING: "size", WindowKind.SESSION: "gap"}
"""The field that says how long a window of each kind is."""


def declared_window(message: relation_pb2.WindowInfo, node: str, field: str) -> Window:
    """The windows of keys that a topic has; rows of them are kept as long as the topic's. Raises RequestError(INVALID_TOPOLOGY)."""
    name = relation_pb2.WindowKind.Name(message.kind).removeprefix("WINDOW_KIND_")
    if name not in ("TUMBLING", "HOPPING", "SESSION"):
        raise refuse("INVALID_TOPOLOGY", f"{node}: windowed keys are of TUMBLING, HOPPING or SESSION windows", node=node, field=f"{field}.kind")
    if name == "SESSION":
        return Window(WindowKind.SESSION, 0, 0, 0)
    size = _at_least(1, message.size, node, field, "size")
    return Window(WindowKind(name), size, 0, 0, millis(message.advance))


def window_message(window: Window) -> relation_pb2.WindowInfo:
    """The windows of a table as the API describes them."""
    info = relation_pb2.WindowInfo(kind=f"WINDOW_KIND_{window.kind.value}")
    info.size.FromMilliseconds(window.size_ms)
    if window.advance_ms:
        info.advance.FromMilliseconds(window.advance_ms)
    return info


def to_window(message: topology_pb2.Window, node: str, field: str) -> Window:
    """A window with its defaults filled in. Grace is 24 h less its length, at least 0 (Kafka Streams' TimeWindows.of), retention the
    shortest that keeps a window while records may fall into it. Raises RequestError(INVALID_TOPOLOGY)."""
    name = relation_pb2.WindowKind.Name(message.kind).removeprefix("WINDOW_KIND_")
    kind = WindowKind.TUMBLING if name == "UNSPECIFIED" else WindowKind(name)
    _check_fields(message, kind, node, field)
    length = _at_least(1 if kind is not WindowKind.SLIDING else 0, getattr(message, _LENGTH[kind]), node, field, _LENGTH[kind])
    advance = _advance(message, length, node, field) if kind is WindowKind.HOPPING else 0
    grace = _at_least(0, message.grace, node, field, "grace") if message.HasField("grace") else max(0, DAY_MS - length)
    shortest = length * (2 if kind is WindowKind.SLIDING else 1) + grace
    retention = millis(message.retention) if message.HasField("retention") else shortest
    if retention < shortest:
        what = {WindowKind.SLIDING: "twice its size plus grace", WindowKind.SESSION: "gap plus grace"}.get(kind, "size plus grace")
        raise refuse("INVALID_TOPOLOGY", f"{node}: retention of {retention} ms is less than {what}, {shortest} ms: windows would be "
                     "forgotten while records may still fall into them", node=node, field=f"{field}.retention")
    return Window(kind, length, grace, retention, advance)


def _check_fields(message: topology_pb2.Window, kind: WindowKind, node: str, field: str) -> None:
    """Fields of other kinds are not passed over."""
    own = {_LENGTH[kind], *(["advance"] if kind is WindowKind.HOPPING else [])}
    for name in ("size", "advance", "gap"):
        if message.HasField(name) and name not in own:
            raise refuse("INVALID_TOPOLOGY", f"{node}: a {kind.value.lower()} window has no {name}", node=node, field=f"{field}.{name}")
    for name in own:
        if not message.HasField(name):
            raise refuse("INVALID_TOPOLOGY", f"{node}: a {kind.value.lower()} window needs its {name}", node=node, field=f"{field}.{name}")


def _at_least(low: int, given: Duration, node: str, field: str, name: str) -> int:
    found = millis(given)
    if found < low:
        why = f"{name} is not negative" if not low else f"a window's {name} is {low} ms or more"
        raise refuse("INVALID_TOPOLOGY", f"{node}: {why}", node=node, field=f"{field}.{name}")
    return found


def _advance(message: topology_pb2.Window, size: int, node: str, field: str) -> int:
    advance = _at_least(1, message.advance, node, field, "advance")
    if advance > size:
        raise refuse("INVALID_TOPOLOGY", f"{node}: an advance of {advance} ms is more than the size, {size} ms: records between two windows "
                     "would lie in none", node=node, field=f"{field}.advance")
    return advance
