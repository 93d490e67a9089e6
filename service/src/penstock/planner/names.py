"""Names of what a topology owns. Internal topics and stores are named by node names and the incarnation, never by position."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")

SCALARS = "_scalars"
"""Name of the reserved store of stream times."""


def valid_name(name: str) -> bool:
    """Whether a topology, node or relation may have this name."""
    return NAME.fullmatch(name) is not None


def repartition_node(node: str) -> str:
    """The Repartition behind a node; no user's node can have this name."""
    return f"{node}-repartition"


def rekey_node(join: str) -> str:
    """The PartitionBy that gives a join's stream the other side's key format."""
    return f"{join}-rekey"


def subscribe_node(join: str) -> str:
    """The first part of a foreign-key join."""
    return f"{join}-subscribe"


def answer_node(join: str) -> str:
    """Its second part."""
    return f"{join}-answer"


def output_node(processor: str, output: str) -> str:
    """The node behind a Processor that is one of its outputs."""
    return f"{processor}-{output}"


def remote_rows_node(processor: str) -> str:
    """The Repartition before a RemoteProcessor."""
    return f"{processor}-rows"


def call_node(node: str, number: int) -> str:
    """What computes a call of a function for a node."""
    return f"{node}-call-{number}"


def input_aliases(inputs: Sequence[str]) -> tuple[str, ...]:
    """How expressions call the inputs of a join: by node, or by output of a branch; `left` and `right` where that is the same."""
    names = tuple(i.rpartition(".")[2] for i in inputs)
    return names if len({name.lower() for name in names}) == len(names) else ("left", "right")


@dataclass(frozen=True, slots=True)
class Namespace:
    """What every internal name of one registration begins with."""

    service_id: str
    topology: str
    incarnation: int

    @property
    def prefix(self) -> str:
        """`<service>-<topology>-<incarnation>`."""
        return f"{self.service_id}-{self.topology}-{self.incarnation}"

    def repartition(self, node: str) -> str:
        """Topic of a Repartition node (whose name ends in -repartition)."""
        return f"{self.prefix}-{node}"

    def changelog(self, store: str) -> str:
        """Topic of a store."""
        return f"{self.prefix}-{store}-changelog"

    def scalars(self, sub: str) -> str:
        """Topic of a sub-topology's stream times."""
        return f"{self.prefix}-{sub}-scalars-changelog"

    @property
    def dead_letter(self) -> str:
        """Topic of the records that could not be processed."""
        return f"{self.prefix}-dead-letter"
