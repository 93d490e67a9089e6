"""Appends to Kafka under a producer id (log/kafka/append.py) that other processes use, too."""

from __future__ import annotations

from typing import Any, cast

import pytest
from penstock.errors import Fenced, LogUnavailable
from penstock.log.kafka.append import Appends


async def test_who_is_fenced_twice_is_to_be_asked_again() -> None:
    """A client that moved on appends the same batch at two nodes for a moment: that is no newer stream of its own."""
    nothing = cast(Any, None)
    appends, times = Appends(nothing, nothing, nothing, "service", "gateway"), [0]

    async def use(_: object) -> str:
        times[0] += 1
        if times[0] in (1, 3, 4):
            raise Fenced("INVALID_PRODUCER_EPOCH (47)")
        return "written"

    assert await appends._with_producer("id", use) == "written", "taken back once"
    with pytest.raises(LogUnavailable, match=r"another process appends as id at the same time: INVALID_PRODUCER_EPOCH"):
        await appends._with_producer("id", use)
    assert await appends._with_producer("id", use) == "written"
