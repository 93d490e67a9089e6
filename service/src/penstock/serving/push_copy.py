"""Pushing a global table: its present rows out of one worker's copy, then its changes, which are the records of its topic.

As push_table.py, with the topic in place of a changelog. A copy holds the rows of all partitions, so that each chunk of the snapshot has a
stamp for each of them. The records are others' and public: one that cannot be read is passed over, as the copies do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.catalog.view import Served
from penstock.formats.errors import FormatError
from penstock.log.port import Record
from penstock.serving.codec import TopicCodec
from penstock.serving.push import Terms
from penstock.serving.push_table import Change, TableOwner, TablePush
from penstock.serving.rows import DELETE, UPSERT
from penstock.serving.tables import Table
from penstock.serving.tail import TopicTail
from penstock.state.port import Stamp


class CopyPush(TablePush):
    """See the module docstring."""

    def __init__(self, owner: TableOwner, served: Served, terms: Terms, tail: TopicTail, table: Table, starts: Mapping[int, int], codec: TopicCodec) -> None:
        super().__init__(owner, served, terms, tail, table, starts)
        self._codec = codec

    def _covered(self, partition: int) -> Sequence[int]:
        return self.terms.partitions if partition == self.terms.partitions[0] else ()

    def _offset(self, stamp: Stamp | None, partition: int) -> int:
        return 0 if stamp is None else stamp.inputs.get(f"{self.terms.topic}[{partition}]", 0)

    def _key_of(self, record: Record) -> bytes | None:
        try:
            return None if record.key is None else self._table.rows.encode_key(self._codec.read_key(record.key))
        except FormatError:
            return None

    def _row(self, record: Record, key: bytes) -> Change | None:
        view = self.terms.view
        if record.value is not None:
            try:
                row = self._codec.row(record)
            except FormatError:
                return None
            if row is not None and (view.keep is None or view.keep(row)):
                return view.pick(row), UPSERT
        return view.pick(self._table.bare_row(key, record.timestamp)), DELETE
