"""Poison: finding the record that kills its worker (out of memory, a native crash, a regular expression without end).

Before it processes records the worker notes which, in a memory-mapped file that survives kill -9. Its successor reads the note:

    death in a chunk                  -> that task goes on carefully: record by record, each noted on its own
    two deaths on the same record     -> that record is the culprit: dead letter
    three careful deaths, no culprit  -> the task is FAILED with this reason, others go on

A record that makes a state value larger than the log takes is found in the same way, without a death: Suspect.narrow.

A worker killed from outside leaves a note too; carefulness costs a moment and blames nobody, since the same record would have to be hit
twice.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

_SIZE = 4096
_LENGTH = struct.Struct("<I")
TOPICS = 8
CAREFUL_DEATHS = 3
STEPS = 20
"""Into how many commits a suspicious stretch is cut: three rounds find one among thousands."""


class Note(msgspec.Struct, frozen=True):
    """Records being processed by a task ("topology-incarnation/sub-partition"): first and last offset, inclusive, by topic. At most
    TOPICS topics, for which there is room in any case. careful: one record alone."""

    task: str
    records: dict[str, tuple[int, int]]
    careful: bool = False


class NoteFile:
    """The note of one worker process. begin and end are a memory write each."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        os.ftruncate(fd, _SIZE)
        self._map = mmap.mmap(fd, _SIZE)
        os.close(fd)

    def read(self) -> Note | None:
        """What the predecessor was doing when it died; None when it was idle."""
        (n,) = _LENGTH.unpack_from(self._map)
        if not 0 < n <= _SIZE - _LENGTH.size:
            return None
        try:
            return msgspec.json.decode(self._map[_LENGTH.size:_LENGTH.size + n], type=Note)
        except msgspec.DecodeError:
            return None  # killed while writing the note: nothing had begun

    def begin(self, note: Note) -> None:
        """These records are about to be processed."""
        data = msgspec.json.encode(note)
        self._map[:_LENGTH.size] = _LENGTH.pack(0)
        self._map[_LENGTH.size:_LENGTH.size + len(data)] = data
        self._map[:_LENGTH.size] = _LENGTH.pack(len(data))

    def end(self) -> None:
        """Nothing is being processed."""
        self._map[:_LENGTH.size] = _LENGTH.pack(0)

    def close(self) -> None:
        self._map.close()


class Suspect(msgspec.Struct):
    """A task whose worker died. until: last offset to be careful with, by topic. deaths: by "topic:offset" of careful deaths.

    step: records from one commit to the next, 0 for as many as come. why: by "topic:offset", of culprits that killed nobody: node and reason.
    """

    until: dict[str, int] = {}
    deaths: dict[str, int] = {}
    step: int = 0
    why: dict[str, tuple[str, str]] = {}

    def culprit(self, topic: str, offset: int) -> bool:
        """Whether this record has killed its worker twice."""
        return self.deaths.get(f"{topic}:{offset}", 0) >= 2

    def narrow(self, since: int, until: Mapping[str, int], last: tuple[str, int], node: str, reason: str) -> None:
        """A commit cannot be written because of what `since` records did, the last of them `last`: commit more often until it is one."""
        wider = {} if self.step else self.until  # once it is being narrowed, what lies beyond is no longer suspicious
        self.until = {**wider, **{topic: max(offset, wider.get(topic, -1)) for topic, offset in until.items()}}
        self.step = max(1, since // STEPS)
        if since == 1:
            name = f"{last[0]}:{last[1]}"
            self.deaths[name] = 2
            self.why[name] = node, reason

    @property
    def hopeless(self) -> bool:
        """Careful deaths on different records: no single record is to blame."""
        return sum(self.deaths.values()) >= CAREFUL_DEATHS and max(self.deaths.values()) < 2


@dataclass
class Suspects:
    """Suspects of one worker, kept in a small file beside the note."""

    path: Path
    tasks: dict[str, Suspect] = field(default_factory=dict)

    @staticmethod
    def load(path: Path, note: Note | None) -> Suspects:
        """Read the file and add what the predecessor's note says."""
        found: dict[str, Suspect] = {}
        if path.exists():
            try:
                found = msgspec.json.decode(path.read_bytes(), type=dict[str, Suspect])
            except msgspec.DecodeError:
                found = {}  # killed while writing it: suspicion starts anew
        self = Suspects(path, found)
        if note is not None:
            suspect = self.tasks.setdefault(note.task, Suspect())
            for topic, (first, last) in note.records.items():
                suspect.until[topic] = max(last, suspect.until.get(topic, -1))
                if note.careful:
                    name = f"{topic}:{first}"
                    suspect.deaths[name] = suspect.deaths.get(name, 0) + 1
            self.save()
        return self

    def cleared(self, task: str) -> None:
        """The task passed the suspicious records and committed."""
        if self.tasks.pop(task, None) is not None:
            self.save()

    def save(self) -> None:
        """Write the file, atomically."""
        tmp = self.path.with_suffix(".tmp")
        tmp.write_bytes(msgspec.json.encode(self.tasks))
        os.replace(tmp, self.path)
