"""Scripts: the statements of a text one by one, with `${variables}` put in.

Variables are text, put in before a statement is parsed and never across its parts: within quotes the quote is doubled, outside them a
value must be one name, one number, one quoted text or a word such as TRUE. `$${name}` stands for `${name}` itself; comments are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from penstock.errors import ExpressionError
from penstock.sql import tree
from penstock.sql.parser import LONGEST, parse_statement, place
from penstock.sql.session import Session

_PIECES = re.compile(r"""'(?:''|[^'])*'|"(?:""|[^"])*"|`(?:``|[^`])*`|--[^\n]*|/\*[\s\S]*?\*/|;|[^'"`;/-]+|[\s\S]""")
_REFERENCE = re.compile(r"(\$?)\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WHOLE = re.compile(r"""[A-Za-z_][A-Za-z0-9_@]*|-?[0-9]+(\.[0-9]+)?|'(''|[^'])*'|"(""|[^"])*"|`(``|[^`])*`""")


@dataclass(frozen=True, slots=True)
class Parsed:
    """One statement. text: as it runs, variables put in, without its semicolon. start: where it begins in the script."""

    statement: tree.Statement
    text: str
    start: int


def split(script: str) -> Iterator[tuple[str, int]]:
    """(text, start) of each statement that is not empty. A quote that is not closed ends with the script."""
    begin, solid = 0, False
    for found in _PIECES.finditer(script):
        piece = found[0]
        if piece == ";":
            if solid:
                yield script[begin:found.start()], begin
            begin, solid = found.end(), False
        elif not piece.startswith(("--", "/*")):
            solid = solid or not piece.isspace()
    if solid:
        yield script[begin:], begin


def complete(script: str) -> bool:
    """Whether the text ends behind a statement: what a shell waits for."""
    last = ""
    for found in _PIECES.finditer(script):
        if not found[0].isspace() and not found[0].startswith(("--", "/*")):
            last = found[0]
    return last in (";", "")


def parse_script(script: str, session: Session) -> list[Parsed]:
    """Every statement, parsed before any runs; DEFINE and UNDEFINE hold for the statements behind them. Raises ExpressionError with the
    line and the column in the script."""
    if len(script) > LONGEST:
        raise ExpressionError(f"a script has at most {LONGEST} characters, this one {len(script)}", 0, len(script))
    found = []
    for text, start in split(script):
        lead = len(text) - len(text.lstrip())
        try:
            ready = substitute(text.strip(), session.variables)
            statement = parse_statement(ready)
        except ExpressionError as error:
            raise at(script, start + lead, error) from None
        found.append(Parsed(statement, ready, start + lead))
        session = _defined(statement, session)
    return found


def at(script: str, start: int, error: ExpressionError) -> ExpressionError:
    """The error of a statement that begins at `start`, with its place in the whole script."""
    begin, end = min(len(script), start + error.start), min(len(script), start + error.end)
    return ExpressionError(f"line {place(script, begin)}: {error.message}", begin, end, error.reason, field="sql", node=error.node,
                           metadata=error.metadata)


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """The text with its variables put in. ExpressionError for one that is not defined, or whose value does not fit where it stands."""
    if "${" not in text:
        return text
    return "".join(_put(found[0], found.start(), variables) for found in _PIECES.finditer(text))


def _put(piece: str, start: int, variables: Mapping[str, str]) -> str:
    if piece.startswith(("--", "/*")):
        return piece
    quote = piece[0] if piece[0] in "'\"`" and len(piece) > 1 else ""

    def one(found: re.Match[str]) -> str:
        if found[1]:
            return found[0][1:]
        begin, end = start + found.start(), start + found.end()
        name = found[2].strip()
        if not _NAME.fullmatch(name):
            raise ExpressionError(f"{found[0]} is no variable: a name stands in the braces", begin, end)
        value = variables.get(name.upper())
        if value is None:
            raise ExpressionError(f"variable {name} is not defined: DEFINE {name} = '...'", begin, end)
        if quote:
            return value.replace(quote, quote * 2)
        if not _WHOLE.fullmatch(value):
            raise ExpressionError(f"the value of variable {name} is no single name, number or text: {value!r}", begin, end)
        return value

    return _REFERENCE.sub(one, piece)


def _defined(statement: tree.Statement, session: Session) -> Session:
    match statement:
        case tree.Admin(words=("DEFINE", name, _, value)):
            return session.define(name, value)
        case tree.Admin(words=("UNDEFINE", name)):
            return session.undefine(name, statement)
    return session


def normal(text: str) -> str:
    """The text without comments and differences of white space or case, by which equal statements are told."""
    parts: list[str] = []
    for found in _PIECES.finditer(text):
        piece = found[0]
        if piece.startswith(("--", "/*")):
            parts.append(" ")
        else:
            parts.append(piece if piece[0] in "'\"`" and len(piece) > 1 else piece.upper())
    out: list[str] = []
    for found in re.finditer(r"""'(?:''|[^'])*'|"(?:""|[^"])*"|`(?:``|[^`])*`|\s+|[A-Z0-9_@$.]+|[\s\S]""", "".join(parts)):
        if not found[0].isspace():
            out.append(found[0])
    return " ".join(out)
