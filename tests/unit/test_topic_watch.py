"""Topics that others delete, make again or change are noticed, and the topology says so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import pytest
from penstock.catalog.port import CatalogState, Desired, TopologyEntry
from penstock.log.port import TopicShape
from penstock.serving.topic_watch import TopicWatch, planned

sys.path.insert(0, str(Path(__file__).parent))

from planning import plan

NODES = "p: {stream: purchases}\ng: {from: p, group_by: ITEM}\na: {from: g, aggregate: {N: COUNT(*)}}\ns: {from: a, sink: out}"


class _Topics:
    """A log that has topics."""

    def __init__(self, topics: dict[str, TopicShape]) -> None:
        self.held = topics

    async def shapes(self, names: list[str]) -> dict[str, TopicShape]:
        return {n: self.held[n] for n in names if n in self.held}


class _Registry:
    def __init__(self, entry: TopologyEntry) -> None:
        self.state = CatalogState(1, {}, {"t": entry})


@pytest.mark.parametrize(("topic", "becomes", "said"), [
    ("purchases", None, "does not exist any more: make it again with 4 partitions"),
    ("purchases", ("other", 4), "was deleted and made again"),
    ("purchases", ("id", 2), "has 2 partitions, the topology was planned for 4"),
    ("purchases", ("id", 6), "has grown from 4 to 6 partitions"),
    ("-repartition", None, "does not exist any more: pause and reset"),
    ("-changelog", ("other", 4), "was deleted and made again"),
    ("purchases", ("id", 4), ""),
])
async def test_what_became_of_a_topic(topic: str, becomes: tuple[str, int] | None, said: str) -> None:
    made = plan(NODES)
    entry = TopologyEntry("t", 7, 1, b"", made, Desired.RUNNING, 0)
    log = _Topics({name: TopicShape("id", partitions) for name, partitions in planned(made).items()})
    watch = TopicWatch(cast(Any, log), cast(Any, _Registry(entry)))
    await watch.look()
    assert watch.of(entry) == ()
    name = next(n for n in log.held if n.endswith(topic))
    if becomes is None:
        del log.held[name]
    else:
        log.held[name] = TopicShape(*becomes)
    await watch.look()
    found = watch.of(entry)
    assert len(found) == bool(said) and all(said in text and name in text for text in found), found
