"""The Kafka Streams program (streams/) as a peer: built once, run on one workload."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from measure import Figures, Sample, figures, peak_rss_mb

PROJECT = Path(__file__).parent / "streams"
CLASSES, LIBRARY = PROJECT / "target" / "classes", PROJECT / "target" / "lib"
TIMEOUT = 300.0


def missing() -> str:
    """Why it cannot run here; empty when it can."""
    if shutil.which("java") is None:
        return "no java on the PATH"
    if not LIBRARY.exists() and shutil.which("mvn") is None:
        return "no mvn on the PATH to build it"
    return ""


def build() -> None:
    """Compile it and gather its jars, unless that was done for these sources."""
    newest = max(p.stat().st_mtime for p in (PROJECT / "pom.xml", *PROJECT.rglob("*.java")))
    built = CLASSES / "penstock" / "bench" / "Main.class"
    if not built.exists() or built.stat().st_mtime < newest:
        subprocess.run(["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(PROJECT / "pom.xml"), "package"], check=True, stdin=subprocess.DEVNULL)


def run(bootstrap: str, workload: str, source: str, output: str, directory: Path, records: int, finish: Callable[[], None]) -> Figures:
    """Figures of one run, by the CPU times that the program prints at its first, middle and last input record. finish: called when all
    input was taken, waits until the output is complete; only then the program is stopped."""
    state = directory / f"streams-{workload}"
    command = ["java", "-Xms1g", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{CLASSES}{os.pathsep}{LIBRARY}/*",
               "penstock.bench.Main", bootstrap, workload, source, output, f"bench-streams-{output}", str(state), str(records)]
    with open(directory / f"streams-{output}.log", "wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
    try:
        samples = _progress(process, records)
        finish()
        return figures([samples[0]._replace(records=0), *samples[1:]], peak_rss_mb(process.pid))
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _progress(process: subprocess.Popen[str], records: int) -> list[Sample]:
    assert process.stdout is not None
    samples: list[Sample] = []
    deadline = time.monotonic() + TIMEOUT
    for line in process.stdout:
        words = line.split()
        if words[:1] == ["PROGRESS"]:
            samples.append(Sample(int(words[1]), int(words[2]) / 1000, int(words[3]) / 1000))
            if samples[-1].records == records:
                return samples
        if time.monotonic() > deadline:
            break
    raise RuntimeError(f"the Kafka Streams program ended after {samples[-1].records if samples else 0} of {records} records")
