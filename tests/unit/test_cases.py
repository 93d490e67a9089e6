"""Every case of tests/cases, through the runner that users have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from penstock.cli.testcases import run_cases
from penstock.testing.cases import Case, load_cases, run_case
from penstock.testing.sql_cases import load_sql_cases, run_sql_case, sql_files

CASES = load_cases(Path(__file__).parents[1] / "cases")
SQL = [case for file in sql_files(Path(__file__).parents[1] / "cases") for case in load_sql_cases(file)]


@pytest.mark.parametrize("case", SQL, ids=[c["name"] for c in SQL])
def test_sql_case(case: dict[str, object]) -> None:
    result = run_sql_case(case)
    assert result.status == "pass", result.detail
    assert result.plan in ("", "pass"), result.detail


@pytest.mark.parametrize("case", CASES, ids=[f"{Path(c.file).stem}: {c.name}" for c in CASES])
def test_case(case: Case) -> None:
    result = run_case(case)
    assert result.passed, "\n".join(result.differences)


def test_a_wrong_expectation_fails_with_a_difference_that_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("""
name: wrong
relations: [{stream: s, columns: [K STRING KEY, V INT]}]
topology: {nodes: {s: {stream: s}, out: {from: s, sink: o}}}
inputs: [{to: s, key: a, value: {V: 1}}, {to: s, key: a, value: '{'}]
outputs: {o: [{key: a, value: {V: 2}}, {key: b}]}
""", encoding="utf-8")
    assert run_cases([str(file)], json=False) == 1
    shown = capsys.readouterr().out
    assert "output o 1: value: expected {'V': 2}, got {'V': 1}" in shown
    assert "output o 2: missing {'key': 'b'}" in shown
    assert "dead letter 1: unexpected" in shown
    assert "0 of 1 cases passed" in shown


def test_json_prints_a_line_a_case_and_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "right.yaml"
    file.write_text("""
name: right
relations: [{stream: s, columns: [K STRING KEY, V INT]}]
topology: {nodes: {s: {stream: s}, out: {from: s, sink: o}}}
inputs: [{to: s, key: a, value: {V: 1}}]
outputs: {o: [{key: a, value: {V: 1}}]}
""", encoding="utf-8")
    assert run_cases([str(file)], json=True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and '"case":"right","passed":true' in lines[0] and '"passed":1,"failed":0' in lines[1]


def test_a_file_without_cases_is_an_error_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "typo.yaml"
    file.write_text("name: x\nimputs: []\n", encoding="utf-8")
    assert run_cases([str(file)], json=False) == 2
    assert "a case has no entry imputs" in capsys.readouterr().err


def test_plug_ins_that_are_not_installed() -> None:
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-m", "penstock.cli.main", "test", str(tests / "cases" / "user_functions.yaml")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p and not p.endswith("plugins"))}
    assert subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).returncode == 1
    assert subprocess.run([*command, "--plugins", str(tests / "plugins")], env=environment, capture_output=True, timeout=60, check=False).returncode == 0
