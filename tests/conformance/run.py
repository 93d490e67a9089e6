"""Runs the scenarios in each language against a real node and compares the facts: see README.md. Exit code 1 when any differs."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "node"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import scenarios
from languages import LANGUAGES
from stage import Stage
from stages import Stages

SECONDS = 90
"""The longest that one scenario may take."""
FAILED = Path(__file__).resolve().parents[2] / ".cache" / "conformance" / "failed.json"
"""[scenario, language] of what the last run found wrong."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a language made of a scenario. outcome: passed, failed, missing, or lacking where the client does not do it yet; detail: what differs."""

    scenario: str
    language: str
    outcome: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Driver:
    """A language's driver. has: the scenarios that it knows; lacks: those of what the client does not do yet."""

    language: str
    command: list[str]
    has: frozenset[str]
    lacks: frozenset[str]


def drivers(wanted: str) -> list[Driver]:
    """Those that can be built here; what is missing is said."""
    out = []
    for language in LANGUAGES:
        if wanted not in ("", language.name):
            continue
        if missing := language.missing():
            if os.environ.get("PENSTOCK_REQUIRE_CLIENTS"):
                raise SystemExit(f"{language.name} is required here, but there is {missing}")
            print(f"{language.name} is left out: {missing}", file=sys.stderr)
            continue
        command = language.build()
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        out.append(Driver(language.name, command, frozenset(json.loads(listed)), language.lacks))
    return out


def play(scenario: scenarios.Scenario, driver: Driver, stage: Stage, prefix: str) -> Result:
    """One scenario in one language."""
    began = time.monotonic()
    command = [*driver.command, scenario.name, stage.address, prefix, *(f"{k}={v}" for k, v in stage.settings.items())]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            facts = stage.converse(process, SECONDS)
            code = process.wait(max(1.0, SECONDS - (time.monotonic() - began)))
        except subprocess.TimeoutExpired:
            facts, code = None, -1
        finally:
            process.kill()
            stage.reset()
        errors.seek(0)
        said = errors.read()[-3000:]
    if code != 0 or facts is None:
        return Result(scenario.name, driver.language, "failed", time.monotonic() - began, f"exit code {code}: {said}")
    detail = "" if facts == scenario.facts else "\n".join(_differences("", scenario.facts, facts))
    return Result(scenario.name, driver.language, "failed" if detail else "passed", time.monotonic() - began, detail)


def _differences(path: str, expected: Any, found: Any) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*expected, *(k for k in found if k not in expected)]:
            yield from _differences(f"{path}.{key}", expected.get(key, "(nothing)"), found.get(key, "(nothing)"))
    elif expected != found:
        yield f"{path.lstrip('.') or 'facts'}: expected {json.dumps(expected)[:600]}, found {json.dumps(found)[:600]}"


def table(results: list[Result], languages: list[str]) -> str:
    """Scenario by language."""
    names = sorted({r.scenario for r in results})
    width = max(map(len, names))
    cells = {(r.scenario, r.language): f"{r.outcome}{f' {r.seconds:.1f} s' if r.seconds else ''}" for r in results}
    lines = [f"{'scenario':{width}}  " + "".join(f"{language:16}" for language in languages)]
    lines += [f"{name:{width}}  " + "".join(f"{cells.get((name, language), ''):16}" for language in languages) for name in names]
    return "\n".join(line.rstrip() for line in lines)


def main() -> int:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", default="", choices=["", *(language.name for language in LANGUAGES)])
    parser.add_argument("--scenario", default="", help="only those whose name contains this")
    parser.add_argument("--last-failed", action="store_true", help="only what failed in the last run")
    parser.add_argument("--json", action="store_true", help="one JSON object a result")
    options = parser.parse_args()
    again = {(scenario, language) for scenario, language in json.loads(FAILED.read_text())} if options.last_failed else None
    if again is not None and not again:
        raise SystemExit("nothing failed in the last run")
    chosen = [s for s in scenarios.read() if options.scenario in s.name]
    if not chosen:
        raise SystemExit(f"no scenario's name contains {options.scenario!r}")
    built = drivers(options.language)
    results = []
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch, Stages(Path(scratch)) as stages:
        for number, scenario in enumerate(chosen):
            for driver in built:
                if again is not None and (scenario.name, driver.language) not in again:
                    continue
                if scenario.name in driver.has:
                    result = play(scenario, driver, stages.of(scenario.node), f"{driver.language[0]}{number}_")
                else:
                    outcome = "lacking" if scenario.name in driver.lacks else "missing"
                    result = Result(scenario.name, driver.language, outcome, 0.0, "the driver does not have it")
                results.append(result)
                if options.json:
                    print(json.dumps(asdict(result)), flush=True)
                elif result.outcome == "failed":
                    print(f"{result.scenario} in {result.language} failed:\n{result.detail}", flush=True)
    FAILED.parent.mkdir(parents=True, exist_ok=True)
    FAILED.write_text(json.dumps([(r.scenario, r.language) for r in results if r.outcome in ("failed", "missing")]))
    passed, lacking = (sum(r.outcome == outcome for r in results) for outcome in ("passed", "lacking"))
    bad = len(results) - passed - lacking
    if not options.json:
        print(table(results, [driver.language for driver in built]))
        print(f"{passed} passed, {bad} failed" + (f", {lacking} of what a client does not do yet" if lacking else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
