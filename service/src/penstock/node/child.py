"""What gateway and worker processes have in common: settings from the command line, event loop, logging, garbage collector."""

from __future__ import annotations

import errno
import gc
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvloop

from penstock.config import ServeConfig
from penstock.errors import PenstockError
from penstock.node import logs, telemetry
from penstock.node.child_args import HIDDEN, Child
from penstock.node.control import ChildLine
from penstock.node.exit_codes import Exit
from penstock.node.notices import SocketNotices
from penstock.plugins import functions
from penstock.runtime.layout import Layout

log = logging.getLogger("penstock.node")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a child's body gets."""

    child: Child
    config: ServeConfig
    line: ChildLine
    notices: SocketNotices


def main(body: Callable[[Surroundings], Awaitable[None]]) -> None:
    """Run a child process to its end and exit."""
    child = Child.from_args(sys.argv[1:])
    config = ServeConfig.from_json(child.config).with_hidden(os.environ.pop(HIDDEN, "[{}, {}]"))
    logs.configure(config.log_level, config.log_json, child.name)
    functions.install()
    sys.exit(uvloop.run(_run(child, config, body)))


async def _run(child: Child, config: ServeConfig, body: Callable[[Surroundings], Awaitable[None]]) -> int:
    line = ChildLine(child.control)
    notices = SocketNotices(Layout(config.data).run, child.name)
    stop_telemetry: Callable[[], None] | None = None
    try:
        stop_telemetry = telemetry.start(config, child.name, child.index)
        await body(Surroundings(child, config, line, notices))
    except OSError as e:
        line.say(failed=e.strerror or str(e), code=Exit.PORT_TAKEN if e.errno == errno.EADDRINUSE else Exit.FAILED)
        log.error("%s failed: %s", child.name, e, exc_info=e.errno != errno.EADDRINUSE)
        return Exit.FAILED
    except PenstockError as e:
        line.say(failed=str(e), code=Exit.FAILED)
        log.error("%s failed: %s", child.name, e)
        return Exit.FAILED
    finally:
        notices.close()
        if stop_telemetry is not None:
            stop_telemetry()
    return Exit.OK


def settle() -> None:
    """After start-up: what exists stays, and the collector looks rarely (the hot path makes no cycles)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
