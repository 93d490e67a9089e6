"""Avro's schema resolution, as a question: can a reader of one schema read what a writer of another wrote? (Avro specification, Schema
Resolution.)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.formats.avro import names_of
from penstock.formats.avro_values import Names, kind_of
from penstock.formats.schemas import WrittenSchema

_PROMOTES = {("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"), ("float", "double"), ("string", "bytes"),
             ("bytes", "string")}


def unreadable(reader: WrittenSchema, writer: WrittenSchema) -> list[str]:
    """What the reader cannot read, with its path; nothing: it can read all."""
    return list(_Pair(names_of(reader), names_of(writer)).all())


class _Pair:
    def __init__(self, reader: Names, writer: Names) -> None:
        self._reader = reader
        self._writer = writer
        self._seen: set[tuple[str, str]] = set()

    def all(self) -> Iterator[str]:
        return self._types(self._reader.root, self._writer.root, "")

    def _types(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        r, w = self._reader.resolve(reader), self._writer.resolve(writer)
        read, written = kind_of(r), kind_of(w)
        place = path or "/"
        if written == "union":
            for branch in w:
                yield from self._types(reader, branch, path)
        elif read == "union":
            if not any(not list(_Pair._again(self)._types(branch, writer, path)) for branch in r):
                yield f"{place}: the reader's union lacks {_named(w, written)}"
        elif read != written:
            if (written, read) not in _PROMOTES:
                yield f"{place}: {written} cannot be read as {read}"
        elif read == "record":
            yield from self._records(r, w, path)
        elif read == "enum":
            missing = [s for s in w["symbols"] if s not in r["symbols"]]
            if missing and "default" not in r:
                yield f"{place}: the reader's enum lacks the symbols {', '.join(missing)}"
        elif read == "array":
            yield from self._types(r["items"], w["items"], f"{path}/items")
        elif read == "map":
            yield from self._types(r["values"], w["values"], f"{path}/values")
        elif read == "fixed" and r["size"] != w["size"]:
            yield f"{place}: a fixed of {w['size']} bytes cannot be read as one of {r['size']}"

    def _again(self) -> _Pair:
        other = _Pair(self._reader, self._writer)
        other._seen = set(self._seen)
        return other

    def _records(self, r: Mapping[str, Any], w: Mapping[str, Any], path: str) -> Iterator[str]:
        names = str(r["name"]), str(w["name"])
        if names in self._seen:
            return
        self._seen.add(names)
        aliases = {a if "." in a else a.rpartition(".")[2] for a in r.get("aliases", ())}
        simple = [n.rpartition(".")[2] for n in names]
        if simple[0] != simple[1] and names[1] not in aliases and simple[1] not in aliases:
            yield f"{path or '/'}: the record {names[1]} cannot be read as {names[0]}"
        written = {f["name"]: f for f in w["fields"]}
        for field in r["fields"]:
            found = next((written[n] for n in (field["name"], *field.get("aliases", ())) if n in written), None)
            at = f"{path}/{field['name']}"
            if found is not None:
                yield from self._types(field["type"], found["type"], at)
            elif "default" not in field:
                yield f"{at}: the reader's field has no default and the writer does not write it"


def _named(found: Any, kind: str) -> str:
    return str(found.get("name") or kind) if isinstance(found, Mapping) else kind
