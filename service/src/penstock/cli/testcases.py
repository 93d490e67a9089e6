"""`penstock test PATH...`: runs topology cases, and cases of SQL in JSON files, without a broker."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from penstock.errors import RequestError
from penstock.testing.cases import Case, Result, load_cases, run_case
from penstock.testing.sql_cases import is_sql_file, load_sql_cases, run_sql_case, sql_files


def run_cases(paths: Sequence[str], json: bool) -> int:
    """Run all cases of files and directories; 0 when all passed, 1 when one failed, 2 when a file holds no cases."""
    start = time.perf_counter()
    sql = [file for path in paths for file in sql_files(Path(path))]
    try:
        cases = [case for path in paths if not is_sql_file(Path(path)) for case in load_cases(Path(path))]
    except RequestError as error:
        print(error.message, file=sys.stderr)
        return 2
    if not cases and not sql:
        print(f"no cases in {', '.join(paths)}", file=sys.stderr)
        return 2
    failed = _run_sql(sql, json) if sql else 0
    return max(failed, _run_topologies(cases, json, start)) if cases else failed


def _run_topologies(cases: Sequence[Case], json: bool, start: float) -> int:
    failed = 0
    for case in cases:
        result = run_case(case)
        failed += not result.passed
        _print(result, json)
    seconds = time.perf_counter() - start
    summary = {"cases": len(cases), "passed": len(cases) - failed, "failed": failed, "seconds": round(seconds, 3)}
    print(_line(summary) if json else f"{len(cases) - failed} of {len(cases)} cases passed in {seconds:.1f} s")
    return 1 if failed else 0


def _run_sql(files: Sequence[Path], json: bool) -> int:
    """SQL cases: one line each, then the counts; 0 when nothing failed or broke."""
    counts = {"total": 0, "pass": 0, "fail": 0, "error": 0, "skip": 0}
    rejected = 0
    for file in files:
        for case in load_sql_cases(file):
            result = run_sql_case(case)
            counts["total"] += 1
            counts[result.status] += 1
            rejected += result.rejected
            if json:
                print(_line(result.line()), flush=True)
            elif result.status in ("fail", "error") and not result.rejected:
                print(f"{result.status.upper()} {file}: {result.name}\n    {result.detail}")
    print(_line({"summary": counts}) if json else ", ".join(f"{n} {name}" for name, n in counts.items()) + f", {rejected} rejected in other words")
    return 1 if counts["fail"] or counts["error"] else 0


def _print(result: Result, json: bool) -> None:
    case = result.case
    if json:
        print(_line({"file": case.file, "case": case.name, "passed": result.passed, "seconds": round(result.seconds, 4),
                     "differences": result.differences}))
    elif not result.passed:
        print(f"FAILED {case.file}: {case.name}", *(f"    {line}" for line in result.differences), sep="\n")


def _line(data: object) -> str:
    return msgspec.json.encode(data).decode()
