"""Transactions on the embedded log: batches are gathered, and a commit is one job of the committer.

Nothing that is not committed has ever an offset, so there are no aborts, no control records and nothing to clear up after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping

from penstock.clock import Clock
from penstock.errors import Fenced
from penstock.log.embedded.committer import Committer, Places
from penstock.log.embedded.membership import check_token
from penstock.log.embedded.publish import Publication, Ready, rows_of, set_offsets
from penstock.log.embedded.tables import Environment, Tables
from penstock.log.port import BatchBuilder, GroupToken, OffsetsFor, TopicPartition
from penstock.log.records import Builder


class EmbeddedWriter:
    """Implements TxnWriter. Its epoch is compared inside each commit; a newer writer of the same id has a higher one."""

    def __init__(self, environment: Environment, committer: Committer, transactional_id: str, epoch: int, clock: Clock) -> None:
        self.producer = f"{transactional_id}|0|{epoch}"
        self._environment = environment
        self._committer = committer
        self._id = transactional_id
        self._epoch = epoch
        self._clock = clock
        self._ready: list[Ready] = []
        self._open = True

    async def send(self, topic: str, partition: int, batch: BatchBuilder) -> None:
        self._check_open()
        assert isinstance(batch, Builder)
        ready = Ready(TopicPartition(topic, partition), batch)
        with self._environment.read() as tables:
            tables.known_topic(topic, partition)
        self._ready.append(ready)

    async def commit(self, group: str, token: GroupToken | None, offsets_for: OffsetsFor) -> Mapping[TopicPartition, int]:
        self._check_open()
        ready, self._ready = self._ready, []

        def run(tables: Tables, places: Places) -> Mapping[TopicPartition, int]:
            self._check_epoch(tables)
            if token is not None:
                check_token(tables, token)
            publication = Publication(tables, ready, places, self._clock.now_ms())
            ends = publication.ends
            offsets = offsets_for(ends)
            rows = rows_of(tables, offsets)
            publication.write()
            set_offsets(tables, group, offsets, rows)
            return ends

        try:
            return await self._committer.submit(run, [r.data for r in ready])
        except BaseException:
            self._open = False
            raise

    def _check_open(self) -> None:
        if not self._open:
            raise Fenced(f"writer {self.producer} was discarded")

    def _check_epoch(self, tables: Tables) -> None:
        newest = tables.writer_epoch(self._id)
        if newest != self._epoch:
            raise Fenced(f"writer {self._id} has epoch {self._epoch}, but {newest} is the newest")

    async def discard(self) -> None:
        self._open = False
        self._ready.clear()

    async def close(self) -> None:
        self._open = False
        self._ready.clear()
