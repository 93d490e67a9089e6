"""The command append: JSON lines from standard input into a relation."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from typing import IO, Annotated

import typer

from penstock.cli import output
from penstock.cli.failure import Failure, failures
from penstock.cli.options import DEFAULT_ADDRESS, Address, Json, connect

BATCH_ROWS, BATCH_BYTES = 1000, 1 << 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(append)


def append(
    name: Annotated[str, typer.Argument(help="The relation.")],
    producer_id: Annotated[str, typer.Option("--producer-id", help="Count sequences under this id: another run goes on behind them.")] = "",
    skip_invalid: Annotated[bool, typer.Option("--skip-invalid", help="Leave out rows that do not fit, instead of refusing their batch.")] = False,
    address: Address = DEFAULT_ADDRESS,
    json: Json = False,
) -> None:
    """Append JSON objects, one a line, from standard input. Lines are sent as they come, many at once when they come fast."""
    from penstock_client import errors

    with failures(address), connect(address) as client:
        read = 0
        with client.appender(name, producer_id=producer_id, as_json=True, skip_invalid=skip_invalid) as appender:
            try:
                for batch in batches(sys.stdin):
                    appender.append_json(batch)
                    read += len(batch)
                position = appender.flush()
            except errors.PenstockError as error:
                if not error.row_errors:
                    raise
                raise Failure(f"{error.message}; {appender.appended} rows before its batch were appended") from None
        if json:
            output.json_line({"appended": appender.appended, "position": position})
        else:
            skipped = f", {read - appender.appended} skipped" if read != appender.appended else ""
            print(f"appended {appender.appended} row{'' if appender.appended == 1 else 's'}{skipped}")


def batches(lines: IO[str]) -> Iterator[list[str]]:
    """Lines as batches: whatever has come meanwhile, so that a slow writer's rows go at once and a fast one's many together."""
    waiting: queue.Queue[str | None] = queue.Queue(maxsize=4 * BATCH_ROWS)
    threading.Thread(target=_read, args=(lines, waiting), daemon=True).start()
    ended = False
    while not ended:
        batch, size = [], 0
        line = waiting.get()
        while line is not None:
            if line.strip():
                batch.append(line.strip())
                size += len(line)
            if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
                break
            try:
                line = waiting.get_nowait()
            except queue.Empty:
                break
        ended = line is None
        if batch:
            yield batch


def _read(lines: IO[str], waiting: queue.Queue[str | None]) -> None:
    try:
        for line in lines:
            waiting.put(line)
    finally:
        waiting.put(None)
