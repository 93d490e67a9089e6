"""Closing ends what waits, promptly: see spec.md."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders = run.client, run.name("orders")
    client.create_stream(orders, "k STRING KEY, n INT")
    other = run.connect()
    subscription, appender = other.subscribe(orders, start="latest"), other.appender(orders)
    appender.append({"k": "a", "n": 1})
    appender.flush(20)
    waiting = threading.Event()

    def read() -> bool:
        for event in subscription.events():
            waiting.set()
            del event
        return True

    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(read)
        waiting.wait(20)
        began = time.monotonic()
        other.close()
        over = ended.result(20)
        in_time = time.monotonic() - began < 2
    return {"ended": over, "in_time": in_time, "call": reason(other.cluster), "appender": reason(lambda: appender.append({"k": "a", "n": 2}))}
