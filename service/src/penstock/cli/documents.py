"""Files of definitions."""

from __future__ import annotations

import sys
from pathlib import Path

from penstock.cli.failure import USAGE, Failure


def read_text(file: str) -> str:
    """The text of a file, or of standard input for `-`. Failure (usage) when it cannot be read."""
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}", USAGE) from None
    except UnicodeDecodeError:
        raise Failure(f"cannot read {file}: it is not UTF-8 text", USAGE) from None
