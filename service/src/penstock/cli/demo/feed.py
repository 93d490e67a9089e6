"""Appending a demo's rows while something is broken in the middle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from penstock.cli.demo.stage import Stage

BATCH = 100
PAUSE = 0.02  # seconds between batches, so that results can be watched arriving

Row = Mapping[str, Any]


def feed(stage: Stage, relation: str, rows: Sequence[Row], what: str, *, seen: Callable[[], bool]) -> str:
    """Append all rows; a worker is killed in the middle, once `seen` says that first results have come. The position that includes them all."""
    stage.say(f"appending {len(rows):,} {what}")
    half = len(rows) // 2 // BATCH * BATCH
    with stage.client.appender(relation, producer_id="demo") as appender:
        for start in range(0, len(rows), BATCH):
            appender.append(rows[start:start + BATCH])
            if start == half:
                _kill(stage, seen)
            time.sleep(PAUSE)
        return appender.flush(30)


def feed_in_turn(stage: Stage, relations: Sequence[str], slices: Sequence[Mapping[str, Sequence[Row]]], what: str, *, seen: Callable[[], bool]) -> list[str]:
    """As `feed` for several relations: of each slice the rows of each relation, in that order, each written before the next. One token a relation."""
    stage.say(f"appending {what}")
    tokens: dict[str, str] = {}
    with ExitStack() as stack:
        appenders = {name: stack.enter_context(stage.client.appender(name, producer_id=f"demo-{name}")) for name in relations}
        for n, piece in enumerate(slices):
            for name in relations:
                if rows := piece.get(name):
                    appenders[name].append(rows)
                    tokens[name] = appenders[name].flush(30)
            if n == len(slices) // 2:
                _kill(stage, seen)
    return list(tokens.values())


def slices(rows: Iterable[tuple[str, Row]], key: Callable[[Row], Any]) -> list[dict[str, list[Row]]]:
    """Rows of several relations put together by a key, such as the minute, in the key's order."""
    found: dict[Any, dict[str, list[Row]]] = {}
    for relation, row in rows:
        found.setdefault(key(row), {}).setdefault(relation, []).append(row)
    return [found[k] for k in sorted(found)]


def _kill(stage: Stage, seen: Callable[[], bool]) -> None:
    stage.wait("the first results", seen, 20)
    stage.say(f"[bold red]kill -9[/] of worker process {stage.kill_worker()}, in the middle of it")
