"""`penstock test PATH...`: runs topology cases without a broker."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from penstock.errors import RequestError
from penstock.testing.cases import Result, load_cases, run_case


def run_cases(paths: Sequence[str], json: bool) -> int:
    """Run all cases of files and directories; 0 when all passed, 1 when one failed, 2 when a file holds no cases."""
    start = time.perf_counter()
    try:
        cases = [case for path in paths for case in load_cases(Path(path))]
    except RequestError as error:
        print(error.message, file=sys.stderr)
        return 2
    if not cases:
        print(f"no cases in {', '.join(paths)}", file=sys.stderr)
        return 2
    failed = 0
    for case in cases:
        result = run_case(case)
        failed += not result.passed
        _print(result, json)
    seconds = time.perf_counter() - start
    summary = {"cases": len(cases), "passed": len(cases) - failed, "failed": failed, "seconds": round(seconds, 3)}
    print(_line(summary) if json else f"{len(cases) - failed} of {len(cases)} cases passed in {seconds:.1f} s")
    return 1 if failed else 0


def _print(result: Result, json: bool) -> None:
    case = result.case
    if json:
        print(_line({"file": case.file, "case": case.name, "passed": result.passed, "seconds": round(result.seconds, 4),
                     "differences": result.differences}))
    elif not result.passed:
        print(f"FAILED {case.file}: {case.name}", *(f"    {line}" for line in result.differences), sep="\n")


def _line(data: object) -> str:
    return msgspec.json.encode(data).decode()
