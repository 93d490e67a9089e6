"""How tests are shared out when several processes run them (`pytest -n 2`): in groups, each one after the other in one process.

All tests on the broker are one group, so that there is one broker, and never two clusters on the machine at a time; all on real nodes are
one, since they share one; the others go by file. These two wait the most and begin first, the rest fills the gaps.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

_ON_THE_BROKER = ("kafka/", "cluster/", "chaos/", "node/test_on_kafka.py", "node/test_registry_backup.py", "runtime/test_takeover.py")
"""Beside tests of both logs, whose parameter says which one they are on."""


def group(nodeid: str) -> str:
    """The group of a test."""
    path, _, test = nodeid.partition("::")
    if path.startswith(_ON_THE_BROKER) or "[kafka" in test:
        return "broker"
    return "node" if path.startswith("node/") else path


def in_order(items: list[pytest.Item]) -> None:
    """Whole groups, the longest first."""
    first = {"broker": 0, "node": 1}
    items.sort(key=lambda item: first.get(group(item.nodeid), 2))


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a process the next group when it has nearly done with one."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
