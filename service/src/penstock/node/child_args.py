"""What a child process is started with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

HIDDEN = "PENSTOCK_NODE_PROPERTIES"
"""The environment variable with what the command line must not show (ServeConfig.hidden)."""


@dataclass(frozen=True, slots=True)
class Child:
    """Passed as one JSON text. name: "gateway", "w0", ...; index: of its metrics port after the node's; control: the inherited socket of
    node/control.py; config: ServeConfig.shown."""

    name: str
    index: int
    control: int
    config: str

    def to_args(self) -> list[str]:
        return [json.dumps(asdict(self))]

    @staticmethod
    def from_args(args: list[str]) -> Child:
        return Child(**json.loads(args[0]))
