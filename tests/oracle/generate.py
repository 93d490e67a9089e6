"""Random topologies and inputs as cases of tests/cases: {relations, topology, updates, inputs}.

Each topology is built around one operator (the focus), with a few others before and behind it; every end has a sink, and so has the focus.
Sources are streams S1, S2 and tables T1, T2 of one schema with few keys. Topologies in which the order of results is not defined (two
ways from one source that meet behind a repartition) are not built.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from builder import COLUMNS, KEYS, NUMBERS, RELATIONS, STEPS_MS, STRINGS, Builder, Cannot
from known import needs_cache
from operators import OPERATORS

CACHED_CHANGES = ("table", "to_table", "table_table_join")
"""Tables of Kafka Streams whose changes its cache holds back too, where ours holds back those of aggregates only."""


@dataclass(frozen=True, slots=True)
class Generated:
    """A case, the operator of each node, and the sinks whose order is not defined."""

    case: dict[str, Any]
    operators: dict[str, str]
    unordered: frozenset[str]


def generate(seed: str, focus: str, operators: list[str], plain: bool = False) -> Generated:
    """The case of a seed. operators: those that may stand before and behind the focus. plain: nothing but the focus and what it needs."""
    random = Random(seed)
    while True:
        b = Builder(random)
        try:
            b.source(random.random() < 0.4)
            for _ in range(0 if plain else random.choice((0, 1, 1, 2))):
                OPERATORS[random.choice(operators)](b)
            b.sink(OPERATORS[focus](b))
            for _ in range(0 if plain else random.choice((0, 1, 1, 2))):
                OPERATORS[random.choice(operators)](b)
        except Cannot:
            continue
        for flow in b.flows:
            if random.random() < 0.3 or not any(flow.name in _inputs(node) for node in b.nodes.values()):
                b.sink(flow)
        if "'every'" in str(b.nodes) and (b.clock or len([name for name in _topics(b) if name != "g1"]) > 1):
            continue  # all sources and repartition topics are one task there, whose time calls punctuations
        case = {"relations": _relations(b), "topology": {"nodes": b.nodes}, "updates": "every", "inputs": _records(b, random)}
        if needs_cache(case) or random.random() < 0.1:
            if any(kind in node for node in b.nodes.values() for kind in CACHED_CHANGES) or "when_full" in str(b.nodes):
                continue
            case["updates"] = "latest"
            _retain(b)
        return Generated(case, b.operators, frozenset(b.unordered))


def _retain(b: Builder) -> None:
    """No window is forgotten: a cache of Kafka Streams has it longer than its store."""
    for node in b.nodes.values():
        body = node.get("aggregate")
        window = node.get("window") or (body.get("window") if isinstance(body, dict) else None)
        if isinstance(window, dict):
            window.setdefault("retention", "1h")


def _inputs(node: dict[str, Any]) -> list[str]:
    given = node.get("from", [])
    return given if isinstance(given, list) else [given]


def _relations(b: Builder) -> list[dict[str, Any]]:
    columns = ["K STRING KEY", *(f"{n} {kind}" for n, kind in COLUMNS)]
    beside: dict[str, dict[str, Any]] = {"h1": {"columns": [*columns, "H BYTES HEADER('h')"]}, "w1": {"columns": [*columns, "T BIGINT"], "timestamp": "T"}}
    return [{"table" if name[0] in "tg" else "stream": name.upper(), "columns": columns} | beside.get(name, {}) for name in _topics(b)]


def _topics(b: Builder) -> list[str]:
    """Relations that the nodes read, in lower case."""
    return [name for name in b.nodes if name in RELATIONS] + ["u1", "u2"] * ("u" in b.nodes)


def _records(b: Builder, random: Random) -> list[dict[str, Any]]:
    """A clustered, out-of-order time; few keys; nulls and tombstones; some headers."""
    relations = [name.upper() for name in _topics(b)]
    found, now = [], random.choice((0, 3, 100))
    for _ in range(random.choice((6, 12, 25, 40))):
        to = random.choice(relations)
        at = max(0, now + random.choice(STEPS_MS))
        now = max(now, at) if random.random() < 0.9 else at
        key = None if random.random() < 0.04 and b.null_keys else random.choice(KEYS)
        value = {"A": random.choice(NUMBERS), "B": random.choice(NUMBERS), "S": random.choice(STRINGS)}
        if to == "W1":
            value["T"] = max(0, now + random.choice(STEPS_MS))
        gone = random.random() < (0.2 if to[0] in "TG" else 0.06)
        found.append({"to": to, "key": key, "value": None if gone else value, "at": at})
        if random.random() < 0.5:
            found[-1]["headers"] = {"h": random.choice("ab")} | ({"i": str(len(found))} if random.random() < 0.5 else {})
        if b.clock and random.random() < 0.3:
            found[-1]["advance"] = random.choice((1, 3, 10))
    return found
