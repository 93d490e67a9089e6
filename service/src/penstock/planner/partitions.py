"""How many partitions everything has, and whether joined inputs lie in the same ones.

Sources of one sub-topology are read side by side, partition by partition, so they must have equal numbers. A repartition topic takes the
number of the external topics that it meets there, else that of the sub-topology that fills it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.plan.nodes import (
    Aggregate,
    Merge,
    Node,
    Repartition,
    SourceStream,
    SourceTable,
    StreamStreamJoin,
    StreamTableJoin,
    TableTableJoin,
    stores_of,
)
from penstock.plan.relations import Relations
from penstock.planner.logical.flow import Wish
from penstock.planner.refuse import refuse
from penstock.planner.split import Part


def source_partitions(node: SourceStream | SourceTable, wish: Wish, relations: Relations, default: int) -> int:
    """Partitions of a source's topic: what exists, else what will be created. Raises RequestError(MISSING_TOPIC)."""
    if isinstance(node, SourceStream) and node.topics:
        return max(relations.topic_partitions(t.topic) or 0 for t in node.topics)
    present = relations.topic_partitions(node.topic.topic)
    if present:
        return present
    if not wish.create:
        raise refuse("MISSING_TOPIC", f"{node.name}: topic {node.topic.topic} does not exist", node=node.name, topic=node.topic.topic)
    return wish.partitions or default


def check_sets(parts: Sequence[Part], relations: Relations) -> None:
    """Topics that are read together have equal numbers where a partition's rows meet something: a store, or another source. Raises
    RequestError(CO_PARTITIONING)."""
    for part in parts:
        meets = len(part.sources) > 1 or any(stores_of(node) for node in part.nodes)
        for source in part.sources:
            if not isinstance(source, SourceStream) or not meets:
                continue
            first, *others = [(t.topic, relations.topic_partitions(t.topic) or 0) for t in source.topics] or [("", 0)]
            for topic, number in others:
                if number != first[1]:
                    raise refuse("CO_PARTITIONING", f"{source.name}: topic {first[0]} has {first[1]} partitions and {topic} has {number}; they "
                                 "need equal numbers, since equal keys would meet in different tasks (a partition_by behind the source brings "
                                 "them together)", node=source.name, left=first[0], right=topic, left_partitions=str(first[1]),
                                 right_partitions=str(number))


def tasks(parts: Sequence[Part], external: Mapping[str, int]) -> tuple[int, ...]:
    """Number of tasks of each part. external: partitions of the topics of source nodes, and of Repartitions that say theirs. Raises RequestError(CO_PARTITIONING)."""
    counts: dict[int, int] = {}
    for i, part in enumerate(parts):
        fixed = [s for s in part.sources if s.name in external]
        for source in fixed[1:]:
            if external[source.name] != external[fixed[0].name]:
                raise _mismatch(part, fixed[0], source, external)
        if fixed:
            counts[i] = external[fixed[0].name]
    filled_by = {node.name: i for i, part in enumerate(parts) for node in part.nodes if isinstance(node, Repartition) and _fed(node, part)}
    while len(counts) < len(parts):
        for i, part in enumerate(parts):
            known = [counts[filled_by[s.name]] for s in part.sources if filled_by.get(s.name) in counts]
            # Parts whose feeders are all known come first; with a loop of parts the first known feeder decides.
            if i not in counts and (len(known) == len(part.sources) or (known and not _progress(parts, counts, filled_by))):
                counts[i] = max(known)
    return tuple(counts[i] for i in range(len(parts)))


def _progress(parts: Sequence[Part], counts: Mapping[int, int], filled_by: Mapping[str, int]) -> bool:
    """Whether some part can be numbered with all of its feeders known."""
    return any(i not in counts and all(filled_by.get(s.name) in counts for s in part.sources) for i, part in enumerate(parts))


def _fed(node: Node, part: Part) -> bool:
    """Whether the part holds the node as its sink."""
    names = {n.name for n in part.nodes}
    return any(i.partition(".")[0] in names for i in node.inputs)


def _mismatch(part: Part, first: Node, second: Node, external: Mapping[str, int]) -> Exception:
    meeting = next(n for n in part.nodes if {first.name, second.name} <= _upstream(n, part))
    verb = {StreamStreamJoin: "joined", StreamTableJoin: "joined", TableTableJoin: "joined", Merge: "merged", Aggregate: "folded into one table"}.get(type(meeting), "brought together")
    return refuse(
        "CO_PARTITIONING",
        f"{meeting.name}: {first.name} has {external[first.name]} partitions and {second.name} has {external[second.name]}; what is {verb} "
        "needs equal numbers (a partition_by before it makes them equal, or a repartition that says its partitions)",
        node=meeting.name, left=first.name, right=second.name,
        left_partitions=str(external[first.name]), right_partitions=str(external[second.name]),
    )


def _upstream(node: Node, part: Part) -> set[str]:
    """Names of all nodes of the part that feed a node, through no topic."""
    by_name = {n.name: n for n in part.nodes}
    found: set[str] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        inputs = () if isinstance(current, Repartition) and current is not node else current.inputs
        for name in (i.partition(".")[0] for i in inputs):
            if name in by_name and name not in found:
                found.add(name)
                waiting.append(by_name[name])
    return found
