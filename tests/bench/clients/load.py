"""One client of a gateway, as a process of its own: see ../clients.py for what is measured.

    load lookup ADDRESS TABLE USERS SECONDS IN_FLIGHT    a JSON line {calls, seconds, cpu, p50_ms, p99_ms, missing}
    load push ADDRESS RELATION                           a JSON line {rows, seconds}: its history, decoded batch by batch
    load stop ADDRESS RELATION                           takes one batch of its history, says so by a line, and does not read on
    load process ADDRESS PROCESSOR                       serves a remote processor, which adds a column, until it is killed
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

from penstock_client import AsyncClient, Client
from penstock_client.processing import Bundle
from penstock_client.worker import Worker

WARM_SECONDS = 3.0
"""Compilers at run time need about that."""


async def lookup(address: str, table: str, users: int, seconds: float, in_flight: int) -> dict[str, float]:
    """Point lookups of random users, each caller waiting for its answer before it asks again."""
    times: list[float] = []
    missing = 0
    async with AsyncClient(address) as client:

        async def caller(seed: int, start: float) -> None:
            nonlocal missing
            draw = random.Random(seed)
            while (began := time.monotonic()) < start + seconds:
                row = await client.get(table, f"u{draw.randrange(users):06d}")
                if began >= start:
                    times.append(time.monotonic() - began)
                    missing += row is None

        start = time.monotonic() + WARM_SECONDS
        callers = asyncio.gather(*(caller(n, start) for n in range(in_flight)))
        await asyncio.sleep(WARM_SECONDS)
        before = time.process_time()
        await callers
        used = time.process_time() - before
    times.sort()
    return {"calls": len(times), "seconds": seconds, "cpu": used, "p50_ms": 1000 * times[len(times) // 2], "p99_ms": 1000 * times[len(times) * 99 // 100], "missing": missing}


def push(address: str, relation: str) -> dict[str, float]:
    """All rows of a relation's history."""
    with Client(address) as client:
        began = time.monotonic()
        rows = sum(len(batch) for batch in client.subscribe(relation, start="earliest", until="end").batches())
        return {"rows": rows, "seconds": time.monotonic() - began}


def stop(address: str, relation: str) -> None:
    """Take one batch and read no further, until the process is killed."""
    with Client(address) as client:
        batches = client.subscribe(relation, start="earliest").batches()
        print(json.dumps({"rows": len(next(batches))}), flush=True)
        sys.stdin.read()


class Numbered:
    """Rows with their number in the bundle."""

    def process_bundle(self, bundle: Bundle) -> None:
        """A row for each."""
        bundle.send_columns("out", {"id": bundle.rows.column("id"), "n": range(len(bundle.rows))})


def main(arguments: list[str]) -> None:
    what, address, name, *rest = arguments
    match what:
        case "lookup":
            users, seconds, in_flight = rest
            print(json.dumps(asyncio.run(lookup(address, name, int(users), float(seconds), int(in_flight)))))
        case "push":
            print(json.dumps(push(address, name)))
        case "stop":
            stop(address, name)
        case "process":
            Worker(address, {name: Numbered()}, max_in_flight=8, threads=1).run()


if __name__ == "__main__":
    main(sys.argv[1:])
