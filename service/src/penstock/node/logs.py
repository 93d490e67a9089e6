"""Log lines: one a line on standard error, as text for people or as JSON for machines. Rare: nothing is logged for each record."""

from __future__ import annotations

import json
import logging
import sys
import time

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
QUIET = ("aiokafka", "grpc", "opentelemetry")


class _Text(logging.Formatter):
    """2026-01-31T10:00:00.123Z INFO w0 penstock.runner: message"""

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s.%(msecs)03dZ %(levelname)s {process} %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime


class _Json(logging.Formatter):
    """{"time": ..., "level": ..., "process": ..., "logger": ..., "message": ...} and "error" with a traceback."""

    def __init__(self, process: str) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}Z", "level": record.levelname.lower(),
                "process": self._process, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(level: str, as_json: bool, process: str) -> None:
    """Set this process's logging up. level: a key of LEVELS."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json(process) if as_json else _Text(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS.get(level.lower(), logging.INFO))
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
