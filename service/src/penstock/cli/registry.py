"""Commands for the registry: backup and restore."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.failure import USAGE, Failure, failures
from penstock.cli.options import DEFAULT_ADDRESS, Address, Json, connect


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Backup and restore of what is registered: relations, topologies, types, functions, schemas.", no_args_is_help=True, rich_markup_mode=None)
    group.command()(backup)
    group.command()(restore)
    app.add_typer(group, name="registry")


def backup(
    file: Annotated[str, typer.Argument(help="Where to write it; it is replaced as a whole. - is standard output.")],
    address: Address = DEFAULT_ADDRESS,
) -> None:
    """Write what is registered into a file."""
    with failures(address), connect(address) as client:
        data = client.backup_registry()
        if file == "-":
            sys.stdout.buffer.write(data)
            return
        path = Path(file)
        made = path.with_name(path.name + ".new")
        try:
            made.write_bytes(data)
            os.replace(made, path)
        except OSError as error:
            raise Failure(f"{file}: it cannot be written: {error.strerror or error}", USAGE) from error
        records = data.count(b"\n") - 1
        print(f"saved: {records} {'record' if records == 1 else 'records'} in {file}")


def restore(
    file: Annotated[str, typer.Argument(help="What backup has written; - is standard input.")],
    replace: Annotated[bool, typer.Option("--replace", help="Also into a registry that is not empty: what the backup does not have is forgotten.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Bring a backup back. Topologies go on with the topics and positions that are in the log."""
    from penstock.cli.output import json_line

    with failures(address), connect(address) as client:
        try:
            data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            raise Failure(f"{file}: it cannot be read: {error.strerror or error}", USAGE) from error
        plan = client.restore_registry(data, replace=replace, validate_only=True)
        done = plan if dry_run else client.restore_registry(data, replace=replace)
        if json:
            json_line({"backup_time": done.backup_time.isoformat(), "topologies": done.topologies, "relations": done.relations, "types": done.types,
                        "functions": done.functions, "schemas": done.schemas, "forgotten": done.forgotten, "missing_topics": done.missing_topics, "position": done.position})
            return
        print(f"{'would restore' if dry_run else 'restored'} the backup of {done.backup_time:%Y-%m-%d %H:%M:%S} UTC")
        for what, names in (("topologies", done.topologies), ("relations", done.relations), ("forgotten", done.forgotten)):
            if names:
                print(f"{what + ':':<12}{', '.join(names)}")
        for what, count in (("types", done.types), ("functions", done.functions), ("schemas", done.schemas)):
            if count:
                print(f"{what + ':':<12}{count}")
        for topic in done.missing_topics:
            print(f"warning: topic {topic} is not in the log; what needs it fails until it is there", file=sys.stderr)
