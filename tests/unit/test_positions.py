"""Position tokens: round trips, limits, and what is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.errors import RequestError
from penstock.serving.positions import LIMIT, Position, TopicPosition, decode, encode, merge

offsets = st.dictionaries(st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), max_size=20)
positions = st.builds(
    Position, st.just("log-1"), st.integers(0, 2**53),
    st.dictionaries(st.text(max_size=30), st.builds(TopicPosition, st.text(max_size=30), offsets), max_size=5),
    st.text(max_size=20), st.integers(0, 2**53), st.integers(0, 2**53),
)


@given(positions)
def test_round_trip(position: Position) -> None:
    text = encode(position)
    assert decode(text, "log-1") == position
    assert len(text) <= LIMIT
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text(max_size=200))
def test_any_text_is_a_token_or_malformed(text: str) -> None:
    with pytest.raises(RequestError) as refused:
        decode(text, "log-1")
    assert refused.value.reason == "MALFORMED_TOKEN"


@given(positions, st.data())
def test_one_changed_byte_is_noticed(position: Position, data: st.DataObject) -> None:
    raw = bytearray(base64.urlsafe_b64decode(encode(position) + "=="))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RequestError):
        decode(base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode(), "log-1")


def test_foreign_log() -> None:
    with pytest.raises(RequestError) as refused:
        decode(encode(Position("log-2")), "log-1")
    assert refused.value.reason == "FOREIGN_TOKEN"


def test_a_thousand_partitions_fit() -> None:
    many = Position("log", 7, {"t": TopicPosition("id", {p: 10**9 + p for p in range(1000)})})
    assert decode(encode(many), "log") == many


def test_merge_takes_the_later_of_each_partition() -> None:
    a = Position("log", 3, {"t": TopicPosition("x", {0: 5, 1: 9}), "u": TopicPosition("y", {0: 1})})
    b = Position("log", 4, {"t": TopicPosition("x", {0: 7, 2: 1})})
    both = merge([a, b], "log")
    assert both.catalog == 4
    assert both.topics == {"t": TopicPosition("x", {0: 7, 1: 9, 2: 1}), "u": TopicPosition("y", {0: 1})}
