"""The audit: one line of JSON for every change of relations, topologies, schemas and nodes, and for every change that was refused.

    {"time": "...", "principal": "ann", "action": "TopologyService/DeleteTopology", "target": "orders", "outcome": "OK", "peer": "ipv4:..."}

outcome is OK, or the reason of the refusal. Rows are not audited: appends are the service's work, not changes of it. Lines go to the logger
`penstock.audit`: into the node's log, or with `--audit` into a file of their own, which may be moved away: it is made anew.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler

from penstock.config import ConfigError
from penstock.security.principal import Principal, caller

log = logging.getLogger("penstock.audit")

OK = "OK"


def open_audit(path: str) -> None:
    """Have a file of its own; "" leaves it in the log. Raises ConfigError."""
    if not path:
        return
    try:
        handler = WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--audit {path}: it cannot be written: {error.strerror or error}") from error
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def changed(action: str, targets: Iterable[str], outcome: str, peer: str, principal: Principal | None = None, **more: str) -> None:
    """Write a line. principal: the caller's, where none is given. more: further fields."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), "principal": (principal or caller()).name,
            "action": action, "target": ", ".join(targets), "outcome": outcome, "peer": peer, **more}
    log.info("%s", json.dumps(line, ensure_ascii=False))
