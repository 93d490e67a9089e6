"""An incremental fetch session (KIP-227): a broker remembers what a connection fetches, so that a request names only what has changed, and an
answer only what has something new. Hundreds of partitions at rest cost a few bytes a fetch.

A session begins with a request that names everything. A broker without room for another one answers with session 0: then each request names
everything, as without sessions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from penstock.log.port import TopicPartition

_LAST_EPOCH = 2**31 - 1


class Delta(NamedTuple):
    """What a request says: the session, its epoch, the partitions that are new or are fetched from another offset, those that are left out."""

    session: int
    epoch: int
    changed: Mapping[TopicPartition, int]
    forgotten: Collection[TopicPartition]


class FetchSession:
    """The client's side. One request at a time: `request`, then `answered` or `lost`."""

    __slots__ = ("_id", "_epoch", "_known")

    def __init__(self) -> None:
        self._id = self._epoch = 0
        self._known: dict[TopicPartition, int] = {}

    def request(self, offsets: Mapping[TopicPartition, int], fresh: Collection[TopicPartition]) -> Delta:
        """Fetch exactly these from these offsets. fresh: those of which everything must be answered, though nothing is new; when the broker knows
        one of them the session begins anew, since a partition cannot leave and come back in one request."""
        if any(tp in self._known for tp in fresh):
            self.lost()
        changed = offsets if not self._id else {tp: at for tp, at in offsets.items() if self._known.get(tp) != at}
        forgotten = [tp for tp in self._known if tp not in offsets] if self._id else ()
        self._known = dict(offsets)
        return Delta(self._id, self._epoch, changed, forgotten)

    def answered(self, session: int) -> None:
        """The request was answered in this session; 0: the broker keeps none."""
        if not session:
            self.lost()
            return
        self._id, self._epoch = session, self._epoch + 1 if self._epoch < _LAST_EPOCH else 1

    def lost(self) -> None:
        """What the broker knows is not known, or it has forgotten the session: the next request names everything."""
        self._id = self._epoch = 0
        self._known = {}
