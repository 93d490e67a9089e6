"""The API's sources: linted, documented, and the generated code fresh."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from penstock_client.errors import BY_REASON
from penstock_client.gen.penstock.v1 import errors_pb2

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
FILES = sorted((PROTO / "penstock/v1").glob("*.proto"))


def test_the_generated_code_is_fresh() -> None:
    run = subprocess.run([sys.executable, PROTO / "generate.py", "--check"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_buf_lint() -> None:
    run = subprocess.run([Path(sys.executable).with_name("buf"), "lint"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_there_is_a_class_for_each_reason() -> None:
    reasons = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118
    assert set(BY_REASON) == reasons
    for reason, cls in BY_REASON.items():
        assert cls.reason == reason


@pytest.mark.parametrize("reason", BY_REASON)
def test_each_reason_documents_its_code(reason: str) -> None:
    code = (BY_REASON[reason].__doc__ or "").split()[0].rstrip(";,.")
    assert code in grpc.StatusCode.__members__


NOT_FROM_ONE_NODE = {
    "INTERNAL": "a fault of the service",
    "NODE_UNAVAILABLE": "there is no second node",
    "STATE_FULL": "a full store shows in the state of its task, no call meets it",
}
"""Reasons that no node of the conformance scenarios can be brought to, and why: a service of answers alone gives them (every_reason)."""


def test_each_reason_is_in_a_conformance_scenario() -> None:
    specs = {path.parent.name: path.read_text() for path in (ROOT / "tests/conformance/scenarios").glob("*/spec.md")}
    every = json.loads(re.search(r"```json\n(.*?)```", specs.pop("every_reason"), re.DOTALL)[1])["codes"]  # type: ignore[index]
    assert {reason: code for reason, code in every.items() if reason in BY_REASON} == {
        reason: re.split(r"[^A-Z_]", cls.__doc__ or "", maxsplit=1)[0] for reason, cls in BY_REASON.items()}
    found = set(re.findall(r'"([A-Z_]+)"', " ".join(specs.values())))
    assert set(BY_REASON) - found == set(NOT_FROM_ONE_NODE)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_comment_begins_with_the_name(path: Path) -> None:
    """The first line of a comment names what it stands before."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if not line.strip().startswith("//") or (number and lines[number - 1].strip().startswith("//")):
            continue
        below = next(text.strip() for text in lines[number:] if not text.strip().startswith("//"))
        match = re.match(r"(?:message|enum|service|rpc|oneof) (\w+)|(?:[\w.<>, ]+ )?(\w+) = ", below)
        assert match, below
        name = match.group(1) or match.group(2)
        assert re.match(rf"// {name}\b", line.strip()), f"{path.name}:{number + 1}: {line.strip()}"


RELEASED = sorted((ROOT / "tests/proto").glob("*.binpb"))


@pytest.mark.parametrize("released", RELEASED, ids=[path.stem for path in RELEASED])
def test_programs_of_a_released_api_go_on_working(released: Path, tmp_path: Path) -> None:
    """tests/proto holds the descriptors of each release (`buf build --exclude-source-info --path proto/penstock/v1`); none of them changes."""
    buf, now = Path(sys.executable).with_name("buf"), tmp_path / "now.binpb"
    subprocess.run([buf, "build", "--exclude-source-info", "--path", "proto/penstock/v1", "-o", now], cwd=ROOT, check=True)
    run = subprocess.run([buf, "breaking", now, "--against", released], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
