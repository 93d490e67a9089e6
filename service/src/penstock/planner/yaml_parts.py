"""What all YAML forms share: entries with their lines, durations, lists that may be a single text, and the way into a message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from penstock.planner.yaml_text import Lines, wrong

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d{1,3})?)s)?(?:(\d+)ms)?")
_UNITS_MS = (86_400_000, 3_600_000, 60_000, 1000, 1)

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Source:
    """A mapping of the text."""

    data: dict[str, Any]
    lines: Lines

    def wrong(self, message: str, key: str | None = None) -> Exception:
        """A refusal at the mapping's line, or at an entry's."""
        return wrong(message, self.lines.of(self.data, key))

    def child(self, key: str) -> Source:
        """An entry that is a mapping."""
        value = self.data[key]
        if not isinstance(value, dict):
            raise self.wrong(f"{key} is a mapping", key)
        return Source(value, self.lines)

    def text(self, key: str) -> str:
        """An entry that is a text, empty when absent."""
        value = self.data.get(key)
        if value is None:
            return ""
        if isinstance(value, (dict, list)):
            raise self.wrong(f"{key} is a text", key)
        return str(value)

    def only(self, *keys: str) -> None:
        """Refuse other entries."""
        for key in self.data:
            if key not in keys:
                raise self.wrong(f"{key} is not known here; known are {', '.join(keys)}", key)

    def duration(self, key: str) -> str:
        """An entry such as `1h30m` as ProtoJSON."""
        text = self.text(key)
        found = _DURATION.fullmatch(text.replace(" ", ""))
        if not text or found is None or not any(found.groups()):
            raise self.wrong(f"{key}: {text!r} is no duration; write 100ms, 10s, 1m, 2h, 7d or 1h30m", key)
        ms = sum(round(float(n) * unit) for n, unit in zip(found.groups(), _UNITS_MS, strict=True) if n)
        return f"{ms // 1000}.{ms % 1000:03}s"

    def enum(self, key: str, values: EnumTypeWrapper, prefix: str) -> str:
        """An entry such as `left` as the name of an enum value, `JOIN_KIND_LEFT`."""
        name = prefix + self.text(key).upper().replace("-", "_").removeprefix(prefix)
        known = [v for v, _ in values.items() if not v.endswith("_UNSPECIFIED")]
        if name not in known:
            short = ", ".join(v.removeprefix(prefix).lower() for v in known)
            raise self.wrong(f"{key}: {self.text(key)} is not known; known are {short}", key)
        return name

    def derived(self, data: dict[str, Any]) -> Source:
        """Other data from the same place."""
        self.lines.derive(self.data, data)
        return Source(data, self.lines)


def projections(source: Source, key: str) -> list[dict[str, str]]:
    """`a`, `[a, b AS c]`, `{c: b}` or ProtoJSON's list, as Projections."""
    value = source.data[key]
    if isinstance(value, dict) and not ("expression" in value and set(value) <= {"expression", "alias"}):
        here = Source(value, source.lines)
        return [{"expression": here.text(alias), "alias": alias} for alias in value]
    found: list[dict[str, str]] = []
    for item in rejoined(source, key, value, "()") if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            here = Source(item, source.lines)
            if "expression" in item:
                here.only("expression", "alias")
                found.append({"expression": here.text("expression"), "alias": here.text("alias")})
            else:
                found += [{"expression": here.text(alias), "alias": alias} for alias in item]
        elif isinstance(item, list) or item is None:
            raise source.wrong(f"{key}: a column is a text, or alias: expression", key)
        else:
            found.append({"expression": str(item)})
    return found


def rejoined(source: Source, key: str, items: list[Any], brackets: str) -> list[Any]:
    """Items of a YAML list, `[F(a, 2), b]`, which YAML cuts at every comma: those with an open bracket are put together again."""
    found: list[Any] = []
    text = ""
    for item in items:
        if text or (isinstance(item, str) and _open(item, brackets)):
            if not isinstance(item, (str, int)) or isinstance(item, bool):
                raise source.wrong(f"{key}: put {text or item!r} in quotes, for YAML cuts it at its commas", key)
            text = f"{text}, {item}" if text else str(item)
            if _open(text, brackets):
                continue
            item, text = text, ""
        found.append(item)
    return [*found, text] if text else found


def _open(text: str, brackets: str) -> bool:
    """Whether more brackets open than close, outside of SQL's quotes."""
    plain = re.sub(r"'[^']*'|`[^`]*`|\"[^\"]*\"", "", text)
    opening, closing = brackets[::2], brackets[1::2]
    return sum(c in opening for c in plain) > sum(c in closing for c in plain)


def parse(data: dict[str, Any], message: M, source: Source) -> M:
    """ProtoJSON into a message; what does not fit is refused at the source's line."""
    try:
        return ParseDict(data, message)
    except ParseError as e:
        raise source.wrong(str(e).replace("\n", " ")) from e
