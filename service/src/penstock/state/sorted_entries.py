"""Entries in the order of their keys, which LMDB takes several times faster than others: neighbours on a page are written together, and what comes
behind all that is there is appended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, cast

import numpy as np

from penstock.state.keys import LONG

Entry = tuple[bytes, bytes | None]

COMPARED = 64
"""Bytes of each key that numpy compares; an array of longer ones is mostly padding."""


class SortedEntries(NamedTuple):
    """Entries of different keys in their order, None deleting. plain: every key is its own physical key (state/keys.py). deletes: some value
    may be None. Who writes them need not look at each of them again, which takes as long as to find its place."""

    entries: Sequence[Entry]
    plain: bool
    deletes: bool

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> SortedEntries:
        """Of entries that are sorted."""
        return cls(entries, _all_plain(map(itemgetter(0), entries)), None in map(itemgetter(1), entries))


def _all_plain(keys: Iterable[bytes]) -> bool:
    lengths = set(map(len, keys))
    return not lengths or (max(lengths) <= LONG and min(lengths) > 0)


def order(keys: Sequence[bytes]) -> list[int]:
    """The places of different keys, in the order of the keys. Mostly done without the interpreter's lock, so that a thread may do it: Python's sort
    compares objects that lie all over the memory, numpy's compares bytes side by side in half of the time."""
    compared = np.array(keys, dtype=f"S{max(1, min(COMPARED, max(map(len, keys), default=1)))}")
    found = compared.argsort()
    ordered = compared[found]
    if bool((ordered[1:] == ordered[:-1]).any()):  # it takes b"a" and b"a\0" for equal, and so it does long ones that begin alike
        return sorted(range(len(keys)), key=keys.__getitem__)
    return cast("list[int]", found.tolist())


def slices(values: Mapping[bytes, bytes | None], ordered: Sequence[int], size: int) -> Iterator[SortedEntries]:
    """All of them, at most `size` at a time. ordered: of the keys as they stand in the mapping."""
    keys, found = list(values), list(values.values())
    plain, deletes = _all_plain(values), None in values.values()
    for at in range(0, len(ordered), size):
        yield SortedEntries([(keys[i], found[i]) for i in ordered[at:at + size]], plain, deletes)


NO_ENTRIES = SortedEntries((), plain=True, deletes=False)
