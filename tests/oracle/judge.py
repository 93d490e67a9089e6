"""Kafka Streams as the judge: the Java program of tests/oracle/java, compiled once and kept alive, one run a line."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache"
LIBS = CACHE / "oracle-libs"
MEMORY = "/dev/shm"


class JudgeError(Exception):
    """Kafka Streams refused or failed; the text is its stack trace."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Kafka Streams wrote, and what its stores hold: rows {key: [columns] or None, value, at, window: [start, end] or None}."""

    outputs: dict[str, list[dict[str, Any]]]
    tables: dict[str, list[dict[str, Any]]]


def available() -> str:
    """Empty when the judge can be asked here, else the reason why not."""
    if shutil.which("java") is None or shutil.which("javac") is None:
        return "no java and javac on the PATH (Kafka Streams needs a JDK 17 or later)"
    if not (LIBS / ".complete").exists() and shutil.which("mvn") is None:
        return "no mvn on the PATH and no jars in .cache/oracle-libs"
    return ""


def _libs() -> Path:
    """The jars of Kafka Streams and its test driver (90 MB, once)."""
    if not (LIBS / ".complete").exists():
        partial = LIBS.with_name(f"oracle-libs-{os.getpid()}")
        subprocess.run(["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies", "-DincludeScope=runtime",
                        f"-DoutputDirectory={partial}"], check=True, stdin=subprocess.DEVNULL)
        (partial / ".complete").touch()
        if LIBS.exists():
            shutil.rmtree(LIBS)
        partial.rename(LIBS)
    return LIBS


def _classes() -> Path:
    """The program, compiled; the directory is named for its sources."""
    sources = sorted((HERE / "java").rglob("*.java"))
    digest = hashlib.sha256(b"".join(s.read_bytes() for s in sources)).hexdigest()[:16]
    target = CACHE / f"oracle-classes-{digest}"
    if not target.exists():
        partial = target.with_name(f"{target.name}-{os.getpid()}")
        subprocess.run(["javac", "-d", str(partial), "-cp", f"{_libs()}/*", *map(str, sources)], check=True, stdin=subprocess.DEVNULL)
        try:
            partial.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(partial)
    return target


class Judge:
    """The program's process. Use as a context manager. One question at a time; others wait."""

    def __init__(self) -> None:
        # In memory where there is such a file system: stores on RocksDB (grace, versions, final sessions) sync a checkpoint a record.
        self._state = tempfile.TemporaryDirectory(prefix="oracle-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None)
        command = ["java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Doracle.state={self._state.name}",
                   "-cp", f"{_classes()}:{_libs()}/*", "penstock.oracle.Main"]
        self._asking = threading.Lock()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(self, request: dict[str, Any]) -> Verdict:
        """Run a topology: {topology: ProtoJSON, relations: [ProtoJSON], inputs: [{to, key, value, at}]}. Raises JudgeError."""
        with self._asking:
            return self._answer(json.dumps(request))

    def _answer(self, request: str) -> Verdict:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        verdict = Verdict({}, {})
        while line := self._process.stdout.readline():
            row = json.loads(line)
            if "error" in row:
                raise JudgeError(row["error"])
            if "end" in row:
                return verdict
            into = verdict.outputs.setdefault(row.pop("to"), []) if "to" in row else verdict.tables.setdefault(row.pop("store"), [])
            into.append(row)
        raise JudgeError(f"the program ended with exit code {self._process.wait()}")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._state.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
