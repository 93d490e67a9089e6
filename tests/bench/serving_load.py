"""The load on a gateway, as a process of its own: one JSON line with what it saw.

    python tests/bench/serving_load.py lookup ADDRESS RELATION USERS SECONDS IN_FLIGHT     {all_calls, calls, seconds, p50_ms, p99_ms, missing}
    python tests/bench/serving_load.py push ADDRESS RELATION START raw|client              {rows, seconds}
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence

import grpc
from penstock_client import Client
from penstock_client.channel import OPTIONS
from penstock_client.gen.penstock.v1 import lookup_service_pb2, lookup_service_pb2_grpc, types_pb2
from penstock_client.gen.penstock.v1.subscription_service_pb2 import SubscribeRequest, SubscribeResponse, Until
from penstock_client.gen.penstock.v1.topology_pb2 import StartPosition

WARM_SECONDS = 1.0


def quantile(values: Sequence[float], q: float) -> float:
    """Of values in any order."""
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


async def lookups(address: str, relation: str, users: int, seconds: float, in_flight: int) -> dict[str, float]:
    """Point lookups of random users, each caller waiting for its answer before it asks again."""
    async with grpc.aio.insecure_channel(address, OPTIONS) as channel:
        get = lookup_service_pb2_grpc.LookupServiceStub(channel).Get  # type: ignore[no-untyped-call]
        known = (await get(_request(relation, "u000000", 0))).schema.id
        times: list[float] = []
        missing = every = 0

        async def caller(seed: int, start: float, end: float) -> None:
            nonlocal missing, every
            draw = random.Random(seed)
            while (began := time.monotonic()) < end:
                answer = await get(_request(relation, f"u{draw.randrange(users):06d}", known))
                every += 1
                if began >= start:
                    times.append(time.monotonic() - began)
                    missing += not answer.rows.row_count

        start = time.monotonic() + WARM_SECONDS
        await asyncio.gather(*(caller(n, start, start + seconds) for n in range(in_flight)))
    return {
        "all_calls": every, "calls": len(times), "seconds": seconds, "p50_ms": 1000 * quantile(times, 0.5), "p99_ms": 1000 * quantile(times, 0.99),
        "missing": missing,
    }


def _request(relation: str, user: str, known: int) -> lookup_service_pb2.GetRequest:
    return lookup_service_pb2.GetRequest(relation=relation, key=[types_pb2.Value(text=user)], known_schema_id=known)


def push_raw(address: str, relation: str, start: str) -> dict[str, float]:
    """Rows to a subscriber that only counts them: what the service alone can do. Rows are counted after the clock has stopped."""
    request = SubscribeRequest(relation=relation, start=StartPosition(earliest=True) if start == "earliest" else None, until=Until(current_end=True))
    messages: list[bytes] = []
    with grpc.insecure_channel(address, OPTIONS) as channel:
        call = channel.unary_stream("/penstock.v1.SubscriptionService/Subscribe", SubscribeRequest.SerializeToString, None)  # type: ignore[arg-type]
        began = time.monotonic()
        messages.extend(call(request))
        seconds = time.monotonic() - began
    return {"rows": sum(SubscribeResponse.FromString(m).event.rows.batch.row_count for m in messages), "seconds": seconds}


def push_client(address: str, relation: str, start: str) -> dict[str, float]:
    """Rows to the Python client, decoded batch by batch."""
    with Client(address) as client:
        began = time.monotonic()
        rows = sum(len(batch) for batch in client.subscribe(relation, start="earliest" if start == "earliest" else "", until="end").batches())
        return {"rows": rows, "seconds": time.monotonic() - began}


def main(arguments: list[str]) -> None:
    what, address, relation, *rest = arguments
    if what == "lookup":
        users, seconds, in_flight = rest
        found = asyncio.run(lookups(address, relation, int(users), float(seconds), int(in_flight)))
    else:
        start, client = rest
        found = (push_raw if client == "raw" else push_client)(address, relation, start)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
