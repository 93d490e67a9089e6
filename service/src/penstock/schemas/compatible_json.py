"""JSON Schema: whether everything that the writer's schema lets through is let through by the reader's.

The comparison follows the parts that both name: types, properties with their content model, items, enums, bounds. A property that only one
side has is judged by the other's additionalProperties: an open model lets anything through, so a new property in it may meet data of
another type; a closed one has none. What is compared by neither (patterns, conditions) must be equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.formats.schemas import WrittenSchema

_OPAQUE = ("pattern", "format", "const", "not", "if", "then", "else", "patternProperties", "dependencies", "dependentRequired", "contains", "propertyNames")
_UPPER = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
_LOWER = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
DEEPEST = 64


def unreadable(reader: WrittenSchema, writer: WrittenSchema) -> list[str]:
    """What the reader would refuse of the writer's data."""
    return list(_Pair(reader, writer).compare(None, None, "#", 0))


class _Side:
    def __init__(self, schema: WrittenSchema) -> None:
        self.root: Any = json.loads(schema.text)
        self._others = {name: json.loads(text) for name, text in schema.references}

    def resolve(self, of: Any) -> Any:
        """A part behind its $ref; one alternative beside null is that alternative, nullable."""
        for _ in range(DEEPEST):
            if not isinstance(of, Mapping) or "$ref" not in of:
                return of
            file, _, path = str(of["$ref"]).partition("#")
            found = self._others.get(file) if file else self.root
            for step in path.strip("/").split("/") if path.strip("/") else ():
                found = found.get(step) if isinstance(found, Mapping) else None
            of = found
        return of

    def alternatives(self, of: Any) -> list[Any]:
        """What a schema allows for, one by one."""
        found = self.resolve(of)
        if isinstance(found, Mapping):
            for word in ("oneOf", "anyOf"):
                if word in found:
                    return [a for part in found[word] for a in self.alternatives(part)]
            kinds = found.get("type")
            if isinstance(kinds, Sequence) and not isinstance(kinds, str):
                return [{**found, "type": k} for k in kinds]
        return [found]


class _Pair:
    def __init__(self, reader: WrittenSchema, writer: WrittenSchema) -> None:
        self._reader = _Side(reader)
        self._writer = _Side(writer)

    def compare(self, reader: Any, writer: Any, path: str, depth: int) -> Iterator[str]:
        """None stands for the whole."""
        if depth > DEEPEST:
            return
        mine = self._reader.alternatives(self._reader.root if reader is None else reader)
        theirs = self._writer.alternatives(self._writer.root if writer is None else writer)
        for w in theirs:
            found = [list(self._one(r, w, path, depth)) for r in mine]
            if found and all(found):
                yield from min(found, key=len)

    def _one(self, r: Any, w: Any, path: str, depth: int) -> Iterator[str]:
        if r is True or r == {} or w is False:
            return
        if r is False or not isinstance(r, Mapping) or not isinstance(w, Mapping):
            if r != w:
                yield f"{path}: it became narrower"
            return
        read, written = r.get("type"), w.get("type")
        if read is not None and read != written and (written, read) != ("integer", "number"):
            yield f"{path}: {written or 'anything'} is not {read}"
            return
        for word in _OPAQUE:
            if word in r and r[word] != w.get(word):
                yield f"{path}: {word} changed"
        for word in _UPPER:
            if word in r and (word not in w or w[word] > r[word]):
                yield f"{path}: {word} became smaller"
        for word in _LOWER:
            if word in r and (word not in w or w[word] < r[word]):
                yield f"{path}: {word} became greater"
        if "enum" in r and ("enum" not in w or any(v not in r["enum"] for v in w["enum"])):
            yield f"{path}: the enum became narrower"
        yield from self._objects(r, w, path, depth)
        if isinstance(r.get("items"), Mapping):
            yield from self.compare(r["items"], w.get("items", True), f"{path}/items", depth + 1)

    def _objects(self, r: Mapping[str, Any], w: Mapping[str, Any], path: str, depth: int) -> Iterator[str]:
        mine, theirs = r.get("properties") or {}, w.get("properties") or {}
        open_mine, open_theirs = r.get("additionalProperties", True), w.get("additionalProperties", True)
        for name, of in theirs.items():
            at = f"{path}/properties/{name}"
            if name in mine:
                yield from self.compare(mine[name], of, at, depth + 1)
            elif open_mine is False:
                yield f"{at}: the reader takes no such property"
            elif isinstance(open_mine, Mapping):
                yield from self.compare(open_mine, of, at, depth + 1)
        for name, of in mine.items():
            if name not in theirs and open_theirs is not False:
                at = f"{path}/properties/{name}"
                if isinstance(open_theirs, Mapping):
                    yield from self.compare(of, open_theirs, at, depth + 1)
                elif of is not True and of != {}:
                    yield f"{at}: the writer's open model may hold such a property of another type"
        if open_mine is False and open_theirs is not False:
            yield f"{path}: additionalProperties became false"
        new = [n for n in r.get("required") or () if n not in (w.get("required") or ())]
        for name in new:
            if not (isinstance(mine.get(name), Mapping) and "default" in mine[name]):
                yield f"{path}/properties/{name}: it became required"
