"""How `penstock serve` ends."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """OK: stopped as told. USAGE: a setting that cannot work. Each other code has one line on standard error that says more."""

    OK = 0
    FAILED = 1
    USAGE = 2
    IN_USE = 3
    UNWRITABLE = 4
    NEWER_FORMAT = 5
    PORT_TAKEN = 6
