"""The scenarios: their specs and what they expect."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "scenarios"
_FACTS = re.compile(r"```json\n(.*?)```", re.DOTALL)
_NODE = re.compile(r"^Node: (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. node: the kind of node that it needs, see Stages."""

    name: str
    facts: Any
    node: str


def read() -> list[Scenario]:
    """All, by name. ValueError for a spec without exactly one block of facts."""
    return [_read(path) for path in sorted(FOLDER.glob("*/spec.md"))]


def _read(path: Path) -> Scenario:
    text = path.read_text()
    blocks = _FACTS.findall(text)
    if len(blocks) != 1:
        raise ValueError(f"{path} has {len(blocks)} blocks of facts, it needs one")
    node = _NODE.search(text)
    return Scenario(path.parent.name, json.loads(blocks[0]), node.group(1) if node else "plain")
