"""Demos: each starts a service of its own on the embedded log, does something worth seeing, breaks something, and recounts."""

from __future__ import annotations

import sys
from collections.abc import Callable

from penstock.cli.demo import ads, cars, errors, fraud, payments, purchases, sensors, wordcount
from penstock.cli.demo.stage import Stage, StageError

DEMOS: dict[str, tuple[str, Callable[[Stage], bool]]] = {
    "purchases": ("mask cards, accumulate rewards, total departments by the minute; a worker is killed in the middle", purchases.play),
    "payments": ("payments whose payer is unknown take another way", payments.play),
    "errors": ("errors of each service by the minute, an alarm when there are too many", errors.play),
    "ads": ("impressions joined with clicks within ten minutes; the click-through rate of each ad and hour", ads.play),
    "sensors": ("averages of weather stations over five minutes, every minute; alerts out of range", sensors.play),
    "cars": ("the newest place of each car, pushed to its rider; cars in a cell of a grid", cars.play),
    "fraud": ("sessions of card payments, flagged when there are many in many cities", fraud.play),
    "wordcount": ("count the words of lines as they arrive; the whole node is killed in the middle", wordcount.play),
}


def listing() -> list[str]:
    """One line a demo."""
    return [f"{name:<12} {text}" for name, (text, _) in DEMOS.items()]


def run(name: str) -> int:
    """Exit code: 0 when the recount found nothing lost and nothing doubled."""
    if name not in DEMOS:
        print(f"error: no demo {name!r}; there are:\n" + "\n".join(listing()), file=sys.stderr)
        return 2
    try:
        with Stage(name) as stage:
            return 0 if DEMOS[name][1](stage) else 1
    except StageError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
