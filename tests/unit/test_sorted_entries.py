"""Entries in the order of their keys, whatever the keys are."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings
from penstock.state.keys import is_plain
from penstock.state.sorted_entries import COMPARED, order, slices

few = st.binary(max_size=4) | st.sampled_from([b"", b"\0", b"\0\0", b"a", b"a\0", b"\x7f", b"\x80", b"\xff"])
alike = st.builds(lambda n, tail: b"p" * n + tail, st.sampled_from([COMPARED - 2, COMPARED, 509, 511]), st.binary(max_size=3))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(few | alike | st.binary(min_size=8, max_size=8), st.none() | st.just(b"v"), max_size=40), st.integers(1, 50))
def test_slices_are_all_entries_in_order(values: dict[bytes, bytes | None], size: int) -> None:
    found = list(slices(values, order(list(values)), size))
    assert [e for some in found for e in some.entries] == sorted(values.items()) and all(0 < len(some.entries) <= size for some in found)
    for some in found:
        assert not some.plain or all(is_plain(k) for k, _ in some.entries)
        assert some.deletes or None not in [v for _, v in some.entries]
