"""Makes a case that differs small, and prints it as a case of tests/cases with what Kafka Streams gives."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from compare import sinks_of
from judge import Verdict

Case = dict[str, Any]


def shrink(case: Case, differs: Callable[[Case], bool]) -> Case:
    """The smallest case found by leaving out inputs, nodes and values as long as it differs."""
    changed = True
    while changed:
        changed = False
        for smaller in _smaller(case):
            if differs(smaller):
                case, changed = smaller, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    count = len(case["inputs"])
    size = max(1, count // 2)
    while size and count:
        for at in range(0, count, size):
            yield {**case, "inputs": case["inputs"][:at] + case["inputs"][at + size:]}
        size //= 2
    yield from _fewer_nodes(case)
    for at, record in enumerate(case["inputs"]):
        for name, value in (record["value"] or {}).items():
            if value is not None:
                yield _instead(case, at, {**record, "value": {**record["value"], name: None}})
        if "headers" in record:
            yield _instead(case, at, {k: v for k, v in record.items() if k != "headers"})


def _instead(case: Case, at: int, record: Case) -> Case:
    return {**case, "inputs": [*case["inputs"][:at], record, *case["inputs"][at + 1:]]}


def _fewer_nodes(case: Case) -> Iterator[Case]:
    nodes = case["topology"]["nodes"]
    for name in nodes:
        rest = {n: v for n, v in nodes.items() if n != name}
        if not any(_refers(v, name) for v in rest.values()):
            yield _with(case, rest)
        elif isinstance(nodes[name].get("from"), str):
            moved = copy.deepcopy(rest)
            for node in moved.values():
                node_from = node.get("from")
                for output in {i for i in ([node_from] if isinstance(node_from, str) else node_from or []) if i.partition(".")[0] == name}:
                    node["from"] = nodes[name]["from"] if isinstance(node_from, str) else [nodes[name]["from"] if i == output else i for i in node["from"]]
            if all(len(set(v["from"])) == len(v["from"]) for v in moved.values() if isinstance(v.get("from"), list)):
                yield _with(case, moved)


def _with(case: Case, nodes: Case) -> Case:
    given = [v.get("stream") or v.get("table") or v.get("global_table") for v in nodes.values()]
    sources = {name for g in given for name in ([g] if not isinstance(g, dict) else ("U1", "U2"))}
    return {**case, "topology": {"nodes": nodes}, "inputs": [i for i in case["inputs"] if i["to"] in sources],
            "relations": [r for r in case["relations"] if (r.get("stream") or r.get("table")) in sources]}


def _refers(node: Case, name: str) -> bool:
    given = node.get("from", [])
    return any(i.partition(".")[0] == name for i in (given if isinstance(given, list) else [given]))


def text(case: Case, name: str, expected: Verdict) -> str:
    """The case as YAML (JSON inside), Kafka Streams' results as its outputs."""
    lines = [f"- name: {name}", "  relations:", *(f"    - {_flow(r)}" for r in case["relations"]), f"  updates: {case['updates']}", "  topology:", "    nodes:"]
    lines += [f"      {node}: {_flow(body)}" for node, body in case["topology"]["nodes"].items()]
    lines += ["  inputs:", *(f"    - {_flow(i)}" for i in case["inputs"]), "  outputs:"]
    for node in case["topology"]["nodes"].values():
        for sink in sinks_of(node):
            rows = expected.outputs.get(sink, [])
            if not rows and len(sinks_of(node)) > 1:
                continue
            lines.append(f"    {sink}:" + ("" if rows else " []"))
            lines += [f"      - {_flow(_row(r))}" for r in rows]
    return "\n".join(lines)


def _row(row: Case) -> Case:
    key = row["key"]
    found = {"key": key[0] if key is not None and len(key) == 1 else key, "value": row["value"], "at": row["at"]}
    if row["headers"]:
        found["headers"] = dict(row["headers"])
    return found if row["window"] is None else {**found, "window": row["window"][0]}


def _flow(value: Any) -> str:
    """YAML's flow style; JSON is YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    plain_text = isinstance(value, str) and value.replace("_", "").replace(".", "").isalnum() and not value[0].isdigit() and value not in ("true", "false", "null")
    return value if plain_text else json.dumps(value)
