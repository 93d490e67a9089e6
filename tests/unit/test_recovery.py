"""The recovery decision as a table: facts -> action."""

from __future__ import annotations

from dataclasses import replace

import pytest
from penstock.runtime.recovery import CLEAN, Action, CommitMetadata, Facts, decide, read_metadata
from penstock.state.port import Stamp

STAMP = Stamp(incarnation=7, format=1, owner="w0/a", inputs={"in[0]": 100}, changelogs={"cl": 40}, boot="boot-a", committed_ms=1_000_000)
FACTS = Facts(incarnation=7, format=1, boot="boot-a", now_ms=1_000_500, committed={"in[0]": 100}, target={"cl": 40}, stamp=STAMP,
              changelog_start={"cl": 0}, changelog_end={"cl": 40}, delete_retention_ms=86_400_000)

NONE = {"committed": {"in[0]": -1}, "target": None, "changelog_end": {"cl": 0}, "stamp": None}

TABLE = [
    ("nothing ever committed", NONE, Action.EMPTY, {}),
    ("nothing committed, a store of an aborted first try", {**NONE, "stamp": STAMP}, Action.EMPTY, {}),
    ("offsets lost but the changelog has records", {**NONE, "changelog_end": {"cl": 5}}, Action.FAIL, {}),
    ("everything equal", {}, Action.USE, {}),
    ("changelog longer than the target: an aborted or later transaction", {"changelog_end": {"cl": 45}}, Action.USE, {}),
    ("store behind", {"committed": {"in[0]": 150}, "target": {"cl": 60}, "changelog_end": {"cl": 60}}, Action.REPLAY, {"cl": (40, 60)}),
    ("input moved on without a state change", {"committed": {"in[0]": 150}}, Action.USE, {}),
    ("no store on this node", {"stamp": None}, Action.REBUILD, {"cl": (0, 40)}),
    ("no store, changelog purged in front", {"stamp": None, "changelog_start": {"cl": 12}}, Action.REBUILD, {"cl": (12, 40)}),
    ("store of another incarnation", {"stamp": replace(STAMP, incarnation=6)}, Action.REBUILD, {"cl": (0, 40)}),
    ("store of another format", {"stamp": replace(STAMP, format=9)}, Action.REBUILD, {"cl": (0, 40)}),
    ("machine restarted without a clean close", {"boot": "boot-b"}, Action.REBUILD, {"cl": (0, 40)}),
    ("machine restarted after a clean close", {"boot": "boot-b", "stamp": replace(STAMP, boot=CLEAN)}, Action.USE, {}),
    ("store ahead in the changelog", {"target": {"cl": 30}}, Action.REBUILD, {"cl": (0, 30)}),
    ("store ahead in the input", {"committed": {"in[0]": 90}}, Action.REBUILD, {"cl": (0, 40)}),
    ("store's place compacted away", {"committed": {"in[0]": 150}, "target": {"cl": 60}, "changelog_end": {"cl": 60},
                                       "changelog_start": {"cl": 50}}, Action.REBUILD, {"cl": (50, 60)}),
    ("store older than tombstones are kept", {"committed": {"in[0]": 150}, "target": {"cl": 60}, "changelog_end": {"cl": 60},
                                              "now_ms": 1_000_000 + 50_000_000}, Action.REBUILD, {"cl": (0, 60)}),
    ("old store that is exactly at the target", {"now_ms": 1_000_000 + 50_000_000}, Action.USE, {}),
    ("changelog shorter than the committed target", {"changelog_end": {"cl": 30}}, Action.FAIL, {}),
    ("a second changelog that the store has not seen", {"target": {"cl": 40, "cl2": 5}, "changelog_end": {"cl": 40, "cl2": 5}},
     Action.REPLAY, {"cl2": (0, 5)}),
]


@pytest.mark.parametrize(("name", "change", "action", "gaps"), TABLE, ids=[row[0] for row in TABLE])
def test_decision(name: str, change: dict[str, object], action: Action, gaps: dict[str, tuple[int, int]]) -> None:
    decision = decide(replace(FACTS, **change))
    assert decision.action is action
    assert decision.replay == gaps
    assert decision.reason


def test_metadata_round_trip() -> None:
    metadata = CommitMetadata({"cl": 40}, "group-w0|12|3")
    assert read_metadata(metadata.text()) == metadata
    assert read_metadata("") is None
