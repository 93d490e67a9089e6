"""First stage: the graph of the request. Names, duplicates, inputs, their numbers, cycles; the nodes in topological order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from types import MappingProxyType

from penstock_client.gen.penstock.v1 import topology_pb2

from penstock.errors import RequestError
from penstock.expr.ast import Ast
from penstock.expr.parser import parse_expression
from penstock.plan import dead_letter
from penstock.planner.names import valid_name
from penstock.planner.plugins import plugin
from penstock.planner.refuse import candidates, did_you_mean, refuse

INPUTS: Mapping[str, tuple[int, int]] = {
    "source_stream": (0, 0), "source_table": (0, 0), "global_table": (0, 0), "stream_global_join": (2, 2), "filter": (1, 1), "select": (1, 1), "explode": (1, 1), "partition_by": (1, 1),
    "group_by": (1, 1), "aggregate": (1, 100), "stream_table_join": (2, 2), "table_table_join": (2, 2), "stream_stream_join": (2, 2), "merge": (2, 1000), "branch": (1, 1), "to_table": (1, 1),
    "to_stream": (1, 1), "suppress": (1, 1), "repartition": (1, 1), "deduplicate": (1, 1), "peek": (1, 1), "processor": (1, 1000), "remote_processor": (1, 1), "sink": (1, 1),
}
"""Operators that are built, and how few and how many inputs each takes."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One node of the request and its place in it. operator is the name of the oneof's field; inputs are node names, or `node.output`."""

    index: int
    proto: topology_pb2.Node
    operator: str
    name: str
    inputs: tuple[str, ...]
    trees: Mapping[str, Ast]

    def tree(self, text: str) -> Ast:
        """The expression: read, unless its tree was given with the request."""
        return self.trees.get(text) or parse_expression(text)

    def path(self, *parts: str) -> str:
        """A field of the operator as errors name it, such as `topology.nodes[2].filter.where`."""
        return ".".join((f"topology.nodes[{self.index}]", self.operator, *parts))


def validate(definition: topology_pb2.Topology, trees: Mapping[str, Ast] = MappingProxyType({})) -> tuple[Placed, ...]:
    """The nodes in topological order (the request's order where it is free). trees: as plan_topology has them. Raises RequestError."""
    if not valid_name(definition.name):
        raise refuse("INVALID_TOPOLOGY", f"the topology's name {definition.name!r} is not [A-Za-z][A-Za-z0-9_]{{0,63}}", field="topology.name")
    if not definition.nodes:
        raise refuse("INVALID_TOPOLOGY", f"topology {definition.name} has no nodes", field="topology.nodes")
    placed = tuple(_placed(i, node, trees) for i, node in enumerate(definition.nodes))
    _unique(placed)
    for node in placed:
        _count_inputs(node)
    outputs = {p.name: _outputs(p) for p in placed}
    sinks = {p.name for p in placed if p.operator == "sink"}
    for node in placed:
        for i, name in enumerate(node.inputs):
            _known_input(node, i, name, outputs)
            if name in sinks:
                raise refuse("INVALID_TOPOLOGY", f"{node.name}: {name} is a sink; take its input instead", node=node.name,
                             field=f"topology.nodes[{node.index}].inputs[{i}]")
    return _ordered(placed)


def _placed(index: int, node: topology_pb2.Node, trees: Mapping[str, Ast]) -> Placed:
    field = f"topology.nodes[{index}]"
    if not valid_name(node.name):
        raise refuse("INVALID_TOPOLOGY", f"node name {node.name!r} is not [A-Za-z][A-Za-z0-9_]{{0,63}}", node=node.name, field=f"{field}.name")
    if node.name.lower() == dead_letter.OUTPUT:
        raise refuse("INVALID_TOPOLOGY", f"{node.name} is the name of the topology's dead letters", node=node.name, field=f"{field}.name")
    operator = node.WhichOneof("operator")
    if operator is None:
        raise refuse("INVALID_TOPOLOGY", f"{node.name} has no operator", node=node.name, field=field)
    if operator not in INPUTS:
        raise refuse("UNSUPPORTED", f"{node.name}: {operator} is not built", node=node.name, field=f"{field}.{operator}")
    return Placed(index, node, operator, node.name, tuple(node.inputs), trees)


def _unique(placed: Sequence[Placed]) -> None:
    seen: dict[str, str] = {}
    for node in placed:
        other = seen.get(node.name.lower())
        if other is not None:
            same = "two nodes are named" if other == node.name else f"names are unique without regard to case, and {other} exists beside"
            raise refuse("DUPLICATE_NODE", f"{same} {node.name}", node=node.name, field=f"topology.nodes[{node.index}].name")
        seen[node.name.lower()] = node.name


def _count_inputs(node: Placed) -> None:
    low, high = INPUTS[node.operator]
    if low <= len(node.inputs) <= high:
        return
    wanted = {0: "no inputs", 1: "one input", 2: "two inputs"}[low] if low == high else f"{low} inputs or more"
    raise refuse("INVALID_TOPOLOGY", f"{node.name}: {node.operator} takes {wanted}, not {len(node.inputs)}", node=node.name,
                 field=f"topology.nodes[{node.index}].inputs")


def _outputs(node: Placed) -> tuple[str, ...]:
    """Named outputs of a branch or a processor; nothing for any other operator."""
    if node.operator == "processor":
        return _processor_outputs(node)
    if node.operator == "remote_processor":
        return _named_outputs(node, [output.name for output in node.proto.remote_processor.outputs])
    if node.operator != "branch":
        return ()
    branch = node.proto.branch
    names = [o.name for o in branch.outputs] + ([branch.default_output] if branch.default_output else [])
    for name in names:
        if not valid_name(name):
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: output name {name!r} is not [A-Za-z][A-Za-z0-9_]{{0,63}}", node=node.name,
                         field=node.path("outputs"))
        if names.count(name) > 1:
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: two outputs are named {name}", node=node.name, field=node.path("outputs"))
    if not branch.outputs:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: a branch needs outputs", node=node.name, field=node.path("outputs"))
    return tuple(names)


def _processor_outputs(node: Placed) -> tuple[str, ...]:
    try:
        names = [output.name for output in plugin(node.proto.processor).outputs]
    except RequestError as e:
        raise refuse(e.reason, f"{node.name}: {e.message}", **{**e.metadata, "node": node.name, "field": node.path("processor")}) from e
    return _named_outputs(node, names)


def _named_outputs(node: Placed, names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if not valid_name(name) or names.count(name) > 1:
            why = "is given twice" if valid_name(name) else "is not [A-Za-z][A-Za-z0-9_]{0,63}"
            raise refuse("INVALID_TOPOLOGY", f"{node.name}: output name {name!r} {why}", node=node.name, field=node.path("outputs"))
    return tuple(names)


def _known_input(node: Placed, i: int, name: str, outputs: Mapping[str, tuple[str, ...]]) -> None:
    base, dot, output = name.partition(".")
    field = f"topology.nodes[{node.index}].inputs[{i}]"
    if base not in outputs or (dot and output not in outputs[base]):
        all_names = list(_addresses(outputs))
        raise refuse("UNKNOWN_NODE", f"{node.name}: there is no node {name}{did_you_mean(name, all_names)}", node=node.name, field=field,
                     input=name, candidates=candidates(name, all_names))
    if not dot and outputs[base]:
        raise refuse("INVALID_TOPOLOGY", f"{node.name}: {base} has outputs; name one, such as {base}.{outputs[base][0]}",
                     node=node.name, field=field)


def _addresses(outputs: Mapping[str, tuple[str, ...]]) -> Iterable[str]:
    for name, branches in outputs.items():
        yield from (f"{name}.{b}" for b in branches) if branches else (name,)


def _ordered(placed: Sequence[Placed]) -> tuple[Placed, ...]:
    """Kahn's algorithm, always the first ready node of the request."""
    waiting = {p.name: {i.partition(".")[0] for i in p.inputs} for p in placed}
    readers: dict[str, list[int]] = {}
    for n, node in enumerate(placed):
        for name in waiting[node.name]:
            readers.setdefault(name, []).append(n)
    ready = [n for n, node in enumerate(placed) if not node.inputs]
    ordered: list[Placed] = []
    while ready:
        node = placed[heappop(ready)]
        ordered.append(node)
        del waiting[node.name]
        for n in readers.get(node.name, ()):
            left = waiting[placed[n].name]
            left.discard(node.name)
            if not left:
                heappush(ready, n)
    if waiting:
        raise _cycle(waiting)
    return tuple(ordered)


def _cycle(waiting: Mapping[str, set[str]]) -> Exception:
    """Every waiting node waits for a waiting one, so following inputs must come back."""
    path = [min(waiting)]
    while (following := min(waiting[path[-1]])) not in path:
        path.append(following)
    cycle = [*path[path.index(following):], following][::-1]
    return refuse("CYCLE", "the inputs form a cycle: " + " -> ".join(cycle), node=cycle[0], field="topology.nodes", path=" -> ".join(cycle))
