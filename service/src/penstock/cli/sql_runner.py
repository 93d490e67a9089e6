"""Scripts of SQL against a service: statements are executed, queries print rows as they come, RUN SCRIPT reads another file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli import output
from penstock.cli.documents import read_text
from penstock.cli.failure import Failure
from penstock.cli.output import RowPrinter

if TYPE_CHECKING:
    from penstock_client import Batch, Client, SqlResult

_COMMENTS = re.compile(r"--[^\n]*|/\*[\s\S]*?\*/")
_RUN = re.compile(r"\s*RUN\s+SCRIPT\s+'((?:''|[^'])*)'\s*", re.IGNORECASE)
DEEPEST = 20
"""Scripts that run scripts."""


class SqlRunner:
    """Runs scripts in the session of one client and prints what they give."""

    def __init__(self, client: Client, json: bool, parameters: Mapping[str, Any] | None = None) -> None:
        """parameters: values of `:name`."""
        self.client = client
        self._json = json
        self._parameters = parameters or {}

    def script(self, text: str, base: Path, depth: int = 0) -> None:
        """Everything in order, once all of it has been parsed. base: the directory of relative paths. Raises the first error; what was done before
        stays."""
        from penstock.sql.script import split

        self._check(text)
        waiting: list[str] = []
        for piece, _ in split(text):
            kind = _kind(piece)
            if not kind:
                waiting.append(piece)
                continue
            self._execute(waiting)
            waiting = []
            if kind == "query":
                self._query(piece)
            else:
                self._run_script(piece, base, depth)
        self._execute(waiting)

    def _check(self, text: str) -> None:
        """Refuse a script with a syntax error before anything of it runs."""
        from penstock.sql.script import parse_script, split
        from penstock.sql.session import Session

        kept = list(text)
        for piece, start in split(text):
            if _kind(piece) == "script":
                kept[start:start + len(piece)] = [c if c == "\n" else " " for c in piece]
        parse_script("".join(kept), Session({}, dict(self.client.session.variables)))

    def _run_script(self, piece: str, base: Path, depth: int) -> None:
        found = _RUN.fullmatch(_COMMENTS.sub(" ", piece))
        if found is None:
            raise Failure("RUN SCRIPT takes the path of a file in quotes")
        if depth >= DEEPEST:
            raise Failure(f"scripts run scripts more than {DEEPEST} deep")
        path = base / found[1].replace("''", "'")
        self.script(read_text(str(path)), path.parent, depth + 1)

    def _execute(self, statements: list[str]) -> None:
        if statements:
            for result in self.client.sql_results(";".join(statements) + ";", parameters=self._parameters):
                self.show(result)

    def _query(self, text: str) -> None:
        from penstock_client import Batch, SchemaChanged

        printer = RowPrinter(self._json, ("*",))
        with self.client.query(text + ";", parameters=self._parameters) as rows:
            for event in rows.events():
                if isinstance(event, SchemaChanged):
                    printer.header(event.schema)
                elif isinstance(event, Batch):
                    for row in event:
                        printer.print(row)

    def show(self, result: SqlResult) -> None:
        """One result: an object on a line, or text and tables for people."""
        if self._json:
            output.json_line(_object(result))
            return
        if result.message:
            print(result.message)
        if result.text:
            print(result.text, end="" if result.text.endswith("\n") else "\n")
        if result.rows is not None:
            _table(result.rows)
        if result.function is not None:
            f = result.function
            print(f"{f.kind.lower()} function {f.name}\n  {f.description}")
            for signature in f.signatures:
                print(f"  {signature}")
        if result.relation is not None and result.details is not None:
            _described(result)


def _kind(piece: str) -> str:
    """query, script or nothing: a statement to execute."""
    words = _COMMENTS.sub(" ", piece).split(None, 2)
    first = words[0].upper() if words else ""
    if first in ("SELECT", "PRINT"):
        return "query"
    return "script" if first == "RUN" and len(words) > 1 and words[1].upper() == "SCRIPT" else ""


def _table(batch: Batch) -> None:
    output.table(batch.schema.names, (tuple(row.values()) for row in batch))
    print(f"({len(batch)} {'row' if len(batch) == 1 else 'rows'})")


def _described(result: SqlResult) -> None:
    relation = result.relation
    assert relation is not None and result.details is not None
    print(f"{relation.kind.lower()} {relation.name}")
    output.fields({"  topic": relation.topic, "  formats": f"{relation.key_format} / {relation.value_format}", "  window": relation.window_size,
                   "  pull queries": "yes" if relation.lookup or relation.kind == "STREAM" else "no"})
    output.table(("COLUMN", "TYPE", "ROLE"), ((c.name, c.type, c.role) for c in relation.columns))
    if len(result.details):
        print()
        output.table(result.details.schema.names, (tuple(row.values()) for row in result.details))


def _object(result: SqlResult) -> dict[str, Any]:
    """For --json."""
    from penstock.cli.catalog import relation_object, topology_object

    found: dict[str, Any] = {"statement": result.statement, "message": result.message, "unchanged": result.unchanged, "position": result.position}
    if result.relation is not None:
        found["relation"] = relation_object(result.relation)
    if result.topology is not None:
        found["query"] = topology_object(result.topology)
    if result.function is not None:
        found["function"] = {"name": result.function.name, "kind": result.function.kind, "signatures": list(result.function.signatures),
                             "description": result.function.description}
    for name, batch in (("rows", result.rows), ("details", result.details)):
        if batch is not None:
            found[name] = [dict(row) for row in batch]
    return found | ({"text": result.text} if result.text else {})
