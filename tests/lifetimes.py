"""Servers of tests end with the process of the tests, also where that one is killed: what is left behind would slow everything that comes after."""

from __future__ import annotations

import shutil
import signal
import threading


def with_us(end: signal.Signals) -> list[str]:
    """What stands before a server's command: the kernel sends it `end` when the thread that started it is gone, which is why that has to be the
    main thread. Nothing where another starts it, or without setpriv of util-linux: then it lives on. (A preexec_fn would do the same, but forks
    a process in which gRPC has threads.)"""
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", end.name, "--"]
