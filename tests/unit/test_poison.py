"""Notes survive a killed worker; a record is blamed only when it killed its worker twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from penstock.runtime.poison import Note, NoteFile, Suspect, Suspects


def test_note_survives_kill(tmp_path: Path) -> None:
    code = ("import os, signal, sys; from pathlib import Path; from penstock.runtime.poison import *\n"
            "f = NoteFile(Path(sys.argv[1])); f.begin(Note('t', {'in': (5, 9)})); os.kill(os.getpid(), signal.SIGKILL)")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "note")], env=os.environ.copy(), check=False)
    assert done.returncode == -signal.SIGKILL
    assert NoteFile(tmp_path / "note").read() == Note("t", {"in": (5, 9)})


def test_idle_leaves_nothing(tmp_path: Path) -> None:
    note = NoteFile(tmp_path / "note")
    note.begin(Note("t", {"in": (5, 9)}))
    note.end()
    assert NoteFile(tmp_path / "note").read() is None


def test_blame_needs_two_deaths_on_one_record(tmp_path: Path) -> None:
    path = tmp_path / "suspects"
    first = Suspects.load(path, Note("t", {"in": (5, 9)}))
    assert first.tasks["t"].until == {"in": 9}
    assert not first.tasks["t"].culprit("in", 7)
    second = Suspects.load(path, Note("t", {"in": (7, 7)}, careful=True))
    assert not second.tasks["t"].culprit("in", 7)
    third = Suspects.load(path, Note("t", {"in": (7, 7)}, careful=True))
    assert third.tasks["t"].culprit("in", 7)
    assert not third.tasks["t"].hopeless


def test_deaths_on_different_records_fail_the_task(tmp_path: Path) -> None:
    path = tmp_path / "suspects"
    for offset in (5, 6, 7):
        last = Suspects.load(path, Note("t", {"in": (offset, offset)}, careful=True))
    assert last.tasks["t"].hopeless


def test_passing_clears(tmp_path: Path) -> None:
    path = tmp_path / "suspects"
    Suspects.load(path, Note("t", {"in": (5, 9)})).cleared("t")
    assert Suspects.load(path, None).tasks == {}


def test_a_stretch_is_narrowed_to_one_record() -> None:
    suspect = Suspect()
    suspect.narrow(3000, {"in": 2999}, ("in", 2999), "node", "too large")
    assert (suspect.step, suspect.until) == (150, {"in": 2999})
    suspect.narrow(150, {"in": 1649}, ("in", 1649), "node", "too large")
    assert (suspect.step, suspect.until) == (7, {"in": 1649}), "what lies beyond the failing commit is not suspicious"
    suspect.narrow(7, {"in": 1504}, ("in", 1504), "node", "too large")
    assert suspect.step == 1 and not suspect.culprit("in", 1500)
    suspect.narrow(1, {"in": 1500}, ("in", 1500), "node", "too large")
    assert suspect.culprit("in", 1500) and suspect.why == {"in:1500": ("node", "too large")} and not suspect.hopeless
