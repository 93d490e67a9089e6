"""The command `sql`: one text, a file, standard input, or a shell."""

from __future__ import annotations

import json as json_module
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.documents import read_text
from penstock.cli.failure import USAGE, Failure, failures
from penstock.cli.options import DEFAULT_ADDRESS, Address, Json, connect


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sql)


def sql(
    text: Annotated[str, typer.Argument(help="Statements and queries, each with its semicolon; - is standard input. Without any, a shell.")] = "",
    file: Annotated[str, typer.Option("-f", "--file", help="A file of statements.")] = "",
    execute: Annotated[str, typer.Option("-e", "--execute", help="The text, as an option.", metavar="TEXT")] = "",
    define: Annotated[list[str] | None, typer.Option("-D", "--define", help="A variable, as DEFINE; may be repeated.", metavar="NAME=VALUE")] = None,
    param: Annotated[list[str] | None, typer.Option("-P", "--param", help="The value of :NAME in queries and INSERT INTO ... VALUES: JSON, or else "
                                                    "a text; may be repeated.", metavar="NAME=VALUE")] = None,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Run SQL: statements, pull and push queries. Without a text it is a shell with history and completion."""
    if sum(map(bool, (text, file, execute))) > 1:
        raise typer.BadParameter("give one of TEXT, --file and --execute")
    with failures(address):
        from penstock.cli.sql_runner import SqlRunner

        given = execute or text
        source = read_text(file) if file else sys.stdin.read() if given == "-" or not given and not sys.stdin.isatty() else given
        base = Path(file).parent if file else Path()
        with connect(address) as client, failures(address, {"sql": source}):
            for name, value in (_named(d, "--define") for d in define or ()):
                client.session.variables[name.upper()] = value
            runner = SqlRunner(client, json, {name: _value(value) for name, value in (_named(p, "--param") for p in param or ())})
            if source.strip() or file:
                runner.script(source, base)
                return
            from penstock.cli.sql_shell import shell

            shell(runner, address)


def _named(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Failure(f"{option} {text!r}: NAME=VALUE is expected", USAGE)
    return name, value


def _value(text: str) -> Any:
    """5 is a number, "5" a text, true and null are what they are in JSON; what is no JSON is a text."""
    try:
        return json_module.loads(text, parse_float=Decimal)
    except ValueError:
        return text
