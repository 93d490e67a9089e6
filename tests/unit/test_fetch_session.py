"""Incremental fetch sessions: what each request names."""

from __future__ import annotations

from penstock.log.kafka.fetch_session import Delta, FetchSession
from penstock.log.port import TopicPartition

A, B, C = (TopicPartition("t", p) for p in range(3))


def begun() -> FetchSession:
    session = FetchSession()
    assert session.request({A: 1, B: 2}, {A, B}) == Delta(0, 0, {A: 1, B: 2}, ())
    session.answered(7)
    return session


def test_a_request_names_what_has_changed() -> None:
    session = begun()
    assert session.request({A: 1, B: 2}, ()) == Delta(7, 1, {}, [])
    session.answered(7)
    assert session.request({A: 5, C: 0}, {C}) == Delta(7, 2, {A: 5, C: 0}, [B])
    session.answered(7)
    assert session.request({A: 5, C: 0}, ()) == Delta(7, 3, {}, [])


def test_a_partition_that_begins_anew_is_answered_in_any_case() -> None:
    session = begun()
    assert session.request({A: 1, B: 2}, {B}) == Delta(0, 0, {A: 1, B: 2}, ())


def test_without_an_answer_or_a_session_everything_is_named() -> None:
    session = begun()
    session.lost()
    assert session.request({A: 1}, ()) == Delta(0, 0, {A: 1}, ())
    session.answered(0)
    assert session.request({A: 1}, ()) == Delta(0, 0, {A: 1}, ())
