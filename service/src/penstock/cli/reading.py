"""Commands that read rows: subscribe, get, scan."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli import keys
from penstock.cli.failure import USAGE, Failure, brief, failures
from penstock.cli.options import DEFAULT_ADDRESS, Address, AtLeast, Columns, Json, Limit, Where, connect, names
from penstock.cli.output import RowPrinter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock_client.row import Batch, Row
    from penstock_client.subscription import Subscription

Relation = Annotated[str, typer.Argument(help="A relation, or `topology.node`.", show_default=False)]
Position = Annotated[bool, typer.Option("--position", help="Print the position at the end, on standard error.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(subscribe)
    app.command()(get)
    app.command()(scan)


def subscribe(
    name: Relation,
    where: Where = "",
    columns: Columns = "",
    from_: Annotated[str, typer.Option("--from", help="snapshot, latest, earliest, a position token, or a time in ISO 8601.")] = "",
    until: Annotated[str, typer.Option("--until", help="`end` for what there is now, or a position token.")] = "",
    limit: Limit = 0,
    position: Position = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Print rows as they come: of a table first what it holds, then its changes; of a stream what is new."""
    with (
        failures(address, {"where": where}),
        connect(address) as client,
        client.subscribe(
            name, where=where, columns=names(columns), start=start_of(from_), until=until, limit=limit
        ) as watch,
    ):
        try:
            print_rows(watch, RowPrinter(json, names(columns)))
        finally:
            if position:
                print(f"position {watch.position}", file=sys.stderr)


def start_of(word: str) -> str | datetime:
    """A start as the client takes it: a time when the word is one."""
    try:
        return keys.instant(word) if word[:1].isdigit() else word
    except ValueError:
        return word  # a token may begin with a digit


def print_rows(watch: Subscription, printer: RowPrinter) -> None:
    """Rows; that a connection was lost, and is back, is told on standard error once each."""
    from penstock_client import Batch, Reconnecting, SchemaChanged

    connected = lost = False
    for event in watch.events():
        if isinstance(event, Reconnecting):
            if connected and not lost:
                print(f"connection lost ({brief(event.error.message)}), trying again" if event.error else "the node is stopping, trying again",
                      file=sys.stderr)
            lost = connected
            continue
        if lost:
            print("connected again", file=sys.stderr)
        connected, lost = True, False
        if isinstance(event, SchemaChanged):
            printer.header(event.schema)
        elif isinstance(event, Batch):
            for row in event:
                printer.print(row)


def get(
    name: Relation,
    key: Annotated[list[str], typer.Argument(help="A value for each key column.")],
    columns: Columns = "",
    from_: Annotated[str, typer.Option("--from", help="First window start of a windowed table, ISO 8601 or milliseconds.")] = "",
    to: Annotated[str, typer.Option("--to", help="Last window start.")] = "",
    at: Annotated[str, typer.Option("--at", help="The time at which the row was valid, of a versioned table; ISO 8601 or milliseconds.")] = "",
    at_least: AtLeast = None,
    max_wait: Annotated[float, typer.Option("--max-wait", min=0, help="Seconds to wait for --at-least.")] = 5.0,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Print the row of a key, or one for each window."""
    with failures(address), connect(address) as client:
        relation = client.relation(name)
        wanted, chosen, wait = keys.key(relation, key), names(columns), max_wait if at_least else None
        rows: Sequence[Row] | Batch
        if at:
            row = client.get(name, wanted, columns=chosen, at_least=at_least, max_wait=wait, at=_instant(at))
            rows = [] if row is None else [row]
        else:
            rows = client.get_windows(
                name, wanted, columns=chosen, start_from=_instant(from_), start_to=_instant(to), at_least=at_least, max_wait=wait
            )
        printer = RowPrinter(json, names(columns))
        if not rows and not json:
            print("no row", file=sys.stderr)
        for row in rows:
            printer.print(row)


def scan(
    name: Relation,
    where: Where = "",
    columns: Columns = "",
    prefix: Annotated[list[str] | None, typer.Option("--prefix", help="Value of a leading key column; may be repeated.")] = None,
    from_: Annotated[list[str] | None, typer.Option("--from", help="Lower bound, one for each leading key column.")] = None,
    to: Annotated[list[str] | None, typer.Option("--to", help="Upper bound, inclusive.")] = None,
    window_from: Annotated[str, typer.Option("--window-from", help="First window start of a windowed table, ISO 8601 or milliseconds.")] = "",
    window_to: Annotated[str, typer.Option("--window-to", help="Last window start.")] = "",
    limit: Limit = 0,
    at_least: AtLeast = None,
    position: Position = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Print the rows of a table, or those in a range of keys or of windows."""
    with failures(address, {"where": where}), connect(address) as client:
        relation = client.relation(name)
        bounds = [keys.key(relation, words, partial=True) if words else None for words in (prefix, from_, to)]
        found = client.scan(
            name, where=where, columns=names(columns), prefix=bounds[0], from_key=bounds[1], to_key=bounds[2],
            start_from=_instant(window_from), start_to=_instant(window_to), limit=limit, at_least=at_least,
        )
        printer = RowPrinter(json, names(columns))
        for row in found:
            printer.print(row)
        if position:
            print(f"position {found.position}", file=sys.stderr)


def _instant(word: str) -> datetime | None:
    try:
        return keys.instant(word) if word else None
    except ValueError:
        raise Failure(f"{word!r} is no time: write 2024-05-01T12:00:00Z or milliseconds since 1970", USAGE) from None
