"""Opening a task's store is a pure decision from observed facts (service/ARCHITECTURE.md, "Recovery"); the runner carries it out.

The truth about what was processed is the group's committed offset C and, in the same commit's metadata, the changelog offsets T that the
transaction reached. The store says what it has applied: inputs L and changelogs Lc, written in the same LMDB transaction as its entries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from penstock.state.port import Stamp

CLEAN = "clean"
"""Stamp.boot of an environment that was synced and closed in order: it is good after any restart of the machine."""


class Action(Enum):
    """What to do with the store."""

    EMPTY = "EMPTY"  # nothing was ever committed: start with an empty store at the start position
    USE = "USE"  # the store is exactly the committed state
    REPLAY = "REPLAY"  # apply the changelogs [Lc, T)
    REBUILD = "REBUILD"  # wipe, apply the changelogs [log start, T)
    FAIL = "FAIL"  # facts contradict each other; starting would lose or double


@dataclass(frozen=True, slots=True)
class Facts:
    """What was observed, in this order: committed offsets (stable), then the store, then the changelogs.

    committed: next offset by input partition ("topic[partition]"), -1 where none. target: per changelog topic the offset that the last
    commit reached; None when nothing was committed. changelog_start / changelog_end: per changelog topic, end is the high watermark.
    delete_retention_ms: how long tombstones stay in the changelogs.
    """

    incarnation: int
    format: int
    boot: str
    now_ms: int
    committed: Mapping[str, int]
    target: Mapping[str, int] | None
    stamp: Stamp | None
    changelog_start: Mapping[str, int]
    changelog_end: Mapping[str, int]
    delete_retention_ms: int


@dataclass(frozen=True, slots=True)
class Decision:
    """reason is for people and for the log. replay: per changelog topic (from, to)."""

    action: Action
    reason: str
    replay: Mapping[str, tuple[int, int]]


def decide(facts: Facts) -> Decision:
    """The decision table. Checked in this order; the first that applies wins."""
    if all(offset < 0 for offset in facts.committed.values()):
        return _never_committed(facts)
    target = facts.target or {}
    short = [t for t, to in target.items() if facts.changelog_end.get(t, 0) < to]
    if short:
        return Decision(Action.FAIL, f"changelog {short[0]} ends at {facts.changelog_end.get(short[0], 0)} before the committed "
                        f"{target[short[0]]}: the topic was truncated or recreated; reset the topology to compute it anew", {})
    why = _useless(facts, target)
    if why:
        return Decision(Action.REBUILD, why, {t: (facts.changelog_start.get(t, 0), to) for t, to in target.items()})
    stamp = facts.stamp
    assert stamp is not None
    gap = {t: (stamp.changelogs.get(t, 0), to) for t, to in target.items() if stamp.changelogs.get(t, 0) < to}
    if gap:
        return Decision(Action.REPLAY, f"{sum(to - at for at, to in gap.values())} changelog records behind", gap)
    return Decision(Action.USE, "the store is at the committed position", {})


def _never_committed(facts: Facts) -> Decision:
    written = [t for t, end in facts.changelog_end.items() if end > facts.changelog_start.get(t, 0)]
    if written:
        return Decision(Action.FAIL, f"no committed offset, but changelog {written[0]} has records: the group's offsets were lost; "
                        "reset the topology to compute it anew", {})
    return Decision(Action.EMPTY, "nothing was committed yet", {})


def _useless(facts: Facts, target: Mapping[str, int]) -> str:
    """Why the store cannot be brought forward; empty when it can."""
    stamp = facts.stamp
    if stamp is None:
        return "no local store"
    if stamp.incarnation != facts.incarnation:
        return f"the store belongs to incarnation {stamp.incarnation}"
    if stamp.format != facts.format:
        return f"the store has format {stamp.format}, this program writes {facts.format}"
    if stamp.boot not in (CLEAN, facts.boot):
        return "the machine stopped without closing the store"
    ahead = [t for t, at in stamp.changelogs.items() if at > target.get(t, 0)]
    if ahead:
        return f"the store is ahead of the committed position in {ahead[0]}"
    ahead = [tp for tp, at in stamp.inputs.items() if at > max(0, facts.committed.get(tp, -1))]
    if ahead:
        return f"the store is ahead of the committed offset of {ahead[0]}"
    for t, to in target.items():
        at = stamp.changelogs.get(t, 0)
        if at < to and at < facts.changelog_start.get(t, 0):
            return f"changelog {t} begins at {facts.changelog_start[t]}, behind the store's {at}"
    behind = any(stamp.changelogs.get(t, 0) < to for t, to in target.items())
    if behind and facts.now_ms - stamp.committed_ms > facts.delete_retention_ms // 2:
        return "the store is older than half of the changelog's delete.retention: tombstones may be gone"
    return ""


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What was observed of a store that shall follow its changelogs; names as in Facts."""

    incarnation: int
    format: int
    boot: str
    now_ms: int
    stamp: Stamp | None
    changelog_start: Mapping[str, int]
    changelog_end: Mapping[str, int]
    delete_retention_ms: int


def follow_from(facts: CopyFacts) -> str:
    """Why a copy must begin with an empty store; empty when it can go on from where its stamp says. Nothing is committed by a copy, so what
    its changelogs hold now takes the place of a commit."""
    ends = facts.changelog_end
    return _useless(Facts(facts.incarnation, facts.format, facts.boot, facts.now_ms, {}, ends,
                          None if facts.stamp is None else replace(facts.stamp, inputs={}), facts.changelog_start, ends,
                          facts.delete_retention_ms), ends)


def known(metadata: CommitMetadata | None, stamp: Stamp | None, changelogs: frozenset[str], inputs: frozenset[str]
          ) -> tuple[CommitMetadata | None, Stamp | None]:
    """Both as far as this plan knows what they speak of: an update may have dropped stores and inputs since they were written."""
    if metadata is not None:
        metadata = replace(metadata, changelogs={t: at for t, at in metadata.changelogs.items() if t in changelogs})
    if stamp is not None:
        stamp = replace(stamp, changelogs={t: at for t, at in stamp.changelogs.items() if t in changelogs},
                        inputs={tp: at for tp, at in stamp.inputs.items() if tp in inputs})
    return metadata, stamp


@dataclass(frozen=True, slots=True)
class CommitMetadata:
    """What stands beside a committed offset: changelog offsets reached, and the producer that committed (for fencing)."""

    changelogs: Mapping[str, int]
    producer: str

    def text(self) -> str:
        """Compact JSON, well under Kafka's 4 KiB."""
        return json.dumps({"c": dict(self.changelogs), "t": self.producer}, separators=(",", ":"))


def newest(found: Sequence[CommitMetadata | None]) -> CommitMetadata | None:
    """What the last commit said: changelogs only grow. Inputs of one task may have been committed at different times."""
    said = [m for m in found if m is not None]
    return max(said, key=lambda m: sum(m.changelogs.values())) if said else None


def read_metadata(text: str) -> CommitMetadata | None:
    """None for a commit that is not ours (an empty text: set by reset tools)."""
    if not text:
        return None
    data = json.loads(text)
    return CommitMetadata(data.get("c", {}), data.get("t", ""))
