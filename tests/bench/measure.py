"""CPU and memory of processes from /proc, and the figures of a run from samples of its progress."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """records: input records whose results are committed. at, cpu: seconds."""

    records: int
    at: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One run. half2: the second half of the records. rss_mb: the most that was resident."""

    records: int
    seconds: float
    cpu_s_per_million: float
    half2_cpu_s_per_million: float
    rss_mb: float

    @property
    def records_per_s(self) -> float:
        """Over the whole run."""
        return self.records / self.seconds


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_rss_mb(pid: int) -> float:
    """The most memory that was resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def rss_mb(pid: int) -> float:
    """Memory that is resident now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def pss_mb(pid: int) -> float:
    """Memory of a process, what it shares with others counted in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def figures(samples: Sequence[Sample], rss_mb: float) -> Figures:
    """Of samples in order of time; the first is at 0 records, the last at all of them."""
    first, last = samples[0], samples[-1]
    half = next(s for s in samples if s.records * 2 >= last.records)
    done = last.records - first.records
    second = max(1, last.records - half.records)
    return Figures(done, last.at - first.at, (last.cpu - first.cpu) / done * 1e6, (last.cpu - half.cpu) / second * 1e6, rss_mb)
