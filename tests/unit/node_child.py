"""A small gateway or worker for tests of the supervisor: no log, no API. Its behaviour is the node's service_id."""

from __future__ import annotations

import asyncio
import sys
import time

from penstock.node.child import Surroundings, main
from penstock.node.control import STOP_WITHIN
from penstock.node.supervisor import run_node


async def body(around: Surroundings) -> None:
    kind = around.config.service_id
    if kind == "refuses" and around.child.name == "gateway":
        raise OSError(98, "Address already in use")
    around.line.ready(around.config.listen if around.child.name == "gateway" else "")
    if kind == "stalls" and around.child.name == "w0":
        await asyncio.sleep(1.2)
        time.sleep(60)
    await around.line.stop.wait()
    if kind == "clings":
        await asyncio.sleep(STOP_WITHIN * 5)
    print(f"{around.child.name} ended", flush=True)


if __name__ == "__main__":
    if sys.argv[1].startswith("{\"name\""):
        main(body)
    else:
        from penstock.config import ServeConfig
        from penstock.node import process, supervisor

        supervisor.GATEWAY = supervisor.WORKER = "node_child"
        process.STALL = 3.0
        sys.exit(run_node(ServeConfig.from_json(sys.argv[1])))
