"""The parser's tables: computed once from grammar.lark, kept beside it in grammar.tables, loaded in a tenth of a second.

Computing them takes seconds, which a process that is to answer does not have. `python -m penstock.expr.tables` writes the file after the
grammar or the library changed; tables of another grammar are not used, so that a forgotten file costs time and never correctness.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import zlib
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from lark import Lark, Transformer

from penstock.expr.unit_rules import without_unit_rules

STARTS = (("statements",), ("expression", "projection"))
"""Each a parser of its own."""
_FILE = "grammar.tables"


def grammar() -> str:
    """The text of grammar.lark."""
    return resources.files("penstock.expr").joinpath("grammar.lark").read_text("utf-8")


def parser(starts: tuple[str, ...], transformer: Transformer[Any, Any]) -> Lark:
    """The parser of these rules, which calls the transformer at each reduction."""
    text = grammar()
    kept = _kept().get((stamp(text), starts))
    if kept is None:
        return Lark(text, parser="lalr", start=list(starts), transformer=transformer, maybe_placeholders=True)
    made: Lark = Lark.__new__(Lark)
    made._load(pickle.loads(kept), transformer=transformer)  # type: ignore[attr-defined]
    return made


def stamp(text: str) -> str:
    """What tables belong to: the grammar and the library that made them."""
    return hashlib.sha256(f"{metadata.version('lark')}\n{text}".encode()).hexdigest()


def computed() -> bytes:
    """The file's content for the grammar as it is."""
    text = grammar()
    found = {}
    for starts in STARTS:
        out = io.BytesIO()
        made = Lark(text, parser="lalr", start=list(starts), maybe_placeholders=True)
        table = made.parser.parser._parse_table
        table.states = without_unit_rules(table.states, frozenset(table.end_states.values()))
        made.save(out)
        found[stamp(text), starts] = out.getvalue()
    return zlib.compress(pickle.dumps(found), 9)


def is_current() -> bool:
    """Whether the file belongs to the grammar."""
    return all((stamp(grammar()), starts) in _kept() for starts in STARTS)


def _kept() -> dict[tuple[str, tuple[str, ...]], bytes]:
    file = resources.files("penstock.expr").joinpath(_FILE)
    if not file.is_file():
        return {}
    kept: dict[tuple[str, tuple[str, ...]], bytes] = pickle.loads(zlib.decompress(file.read_bytes()))
    return kept


if __name__ == "__main__":
    Path(str(resources.files("penstock.expr").joinpath(_FILE))).write_bytes(computed())
