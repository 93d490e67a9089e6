"""Commands on dead letters: dead-letters, replay."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock.cli import output
from penstock.cli.failure import failures
from penstock.cli.options import DEFAULT_ADDRESS, Address, Json, Limit, Where, connect
from penstock.cli.output import RowPrinter
from penstock.cli.reading import print_rows

Topology = Annotated[str, typer.Argument(help="The topology.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Only those whose reason has this in it.", metavar="TEXT")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("dead-letters")(dead_letters)
    app.command()(replay)


def dead_letters(
    topology: Topology,
    where: Where = "",
    reason: Reason = "",
    follow: Annotated[bool, typer.Option("--follow", help="Go on with new ones.")] = False,
    limit: Limit = 0,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Print the records that a topology could not process, with the reason."""
    quoted = reason.replace("'", "''")
    conditions = [f"({where})"] * bool(where) + [f"INSTR(REASON, '{quoted}') > 0"] * bool(reason)
    with (
        failures(address, {"where": where}),
        connect(address) as client,
        client.subscribe(f"{topology}.dead_letter", where=" AND ".join(conditions), start="earliest", until="" if follow else "end",
                         limit=limit) as watch,
    ):
        print_rows(watch, RowPrinter(json))


def replay(
    topology: Topology,
    where: Where = "",
    reason: Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only.")] = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Process dead letters again, each once, by the task that failed on it. --where goes by the columns that dead-letters shows."""
    with failures(address, {"where": where}), connect(address) as client:
        done = client.replay_dead_letters(topology, where=where, reason=reason, validate_only=dry_run)
        if json:
            output.json_line({"topology": topology, "replayed": done.replayed, "before": done.before, "impossible": done.impossible})
            return
        print(f"{done.replayed} {'would be replayed' if dry_run else 'replayed'}, {done.before} had been before"
              + (f", {done.impossible} hold no record that could be" if done.impossible else ""))
