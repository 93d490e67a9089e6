"""YAML (and so JSON) with line numbers: plain Python values, and the line of each of them.

The core schema of YAML 1.2, so that `on`, `no` and `12:30` are texts. A key that occurs twice is refused.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from penstock.planner.refuse import refuse


class Lines:
    """Line of each container and of each entry, counted from 1; containers are known by identity, so they are kept."""

    def __init__(self) -> None:
        self._lines: dict[int, dict[Hashable, int]] = {}
        self._kept: list[object] = []

    def note(self, container: object, key: Hashable, line: int) -> None:
        """Remember an entry; the key None is the container itself."""
        if id(container) not in self._lines:
            self._lines[id(container)] = {}
            self._kept.append(container)
        self._lines[id(container)][key] = line

    def derive(self, old: object, new: object) -> None:
        """A container made of another has its lines."""
        for key, line in self._lines.get(id(old), {}).items():
            self.note(new, key, line)

    def of(self, container: object, key: Hashable = None) -> int:
        """The line; 0 where it is not known (data that was no text)."""
        own = self._lines.get(id(container), {})
        return own.get(key) or own.get(None, 0)


class _Loader(yaml.SafeLoader):
    """SafeLoader with the core schema's scalars."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"), list("-+.0123456789"))


def read_documents(text: str) -> tuple[list[Any], Lines]:
    """Every document that is not empty. Raises RequestError(INVALID_ARGUMENT) with the line."""
    lines = Lines()
    loader = _Loader(text)
    found: list[Any] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            value = None if node is None else _value(loader, node, lines)
            if value is not None:
                found.append(value)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        raise wrong(f"this is no YAML: {e.problem or e.context}", 0 if mark is None else mark.line + 1) from e
    except yaml.YAMLError as e:
        raise wrong(f"this is no YAML: {e}", 0) from e
    finally:
        loader.dispose()
    return found, lines


def _value(loader: _Loader, node: yaml.Node, lines: Lines) -> Any:
    line = node.start_mark.line + 1
    match node:
        case yaml.MappingNode():
            mapping: dict[str, Any] = {}
            lines.note(mapping, None, line)
            for key_node, value_node in node.value:
                key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
                at = key_node.start_mark.line + 1
                if key is None:
                    raise wrong("a key must be a text", at)
                if key in mapping:
                    raise wrong(f"the key {key} occurs twice", at)
                mapping[key] = _value(loader, value_node, lines)
                lines.note(mapping, key, at)
            return mapping
        case yaml.SequenceNode():
            sequence: list[Any] = []
            lines.note(sequence, None, line)
            for i, item in enumerate(node.value):
                sequence.append(_value(loader, item, lines))
                lines.note(sequence, i, item.start_mark.line + 1)
            return sequence
        case _:
            try:
                return loader.construct_object(node)
            except ValueError as e:
                raise wrong(str(e), line) from e


def wrong(message: str, line: int) -> Exception:
    """A refusal of the text; line 0 is not said."""
    at = f"line {line}: " if line else ""
    return refuse("INVALID_ARGUMENT", f"{at}{message}", line=str(line) if line else "")
