"""The Go client: its own tests, against a real node too; its README and examples as a new user meets them, in a module of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from conftest import ROOT, without
from real import RealNode

CLIENT = ROOT / "clients/go"
# The first build of grpc and the generated code takes a minute of processor time; later ones come from go's cache.
pytestmark = pytest.mark.timeout(900)


def go(*arguments: str, cwd: Path = CLIENT, address: str = "", seconds: float = 800) -> str:
    """What a command of go printed; fails with its output when it fails. One process at a time: the machine has other work."""
    if shutil.which("go") is None:
        without("Go", "there is no go on the PATH")
    environment = {**os.environ, "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -p=1".strip(), "PENSTOCK_ADDRESS": address}
    done = subprocess.run(["go", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"go {' '.join(arguments)} ended with {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_its_own_tests_pass(node: RealNode) -> None:
    out = go("test", "-count=1", "-v", "./...", address=node.address)
    assert len(re.findall(r"^--- PASS", out, re.M)) > 30
    assert "--- SKIP" not in out


def test_the_code_is_vetted_and_formatted() -> None:
    go("vet", "./...")
    unformatted = subprocess.run(["gofmt", "-l", "."], cwd=CLIENT, capture_output=True, text=True, check=True).stdout
    assert unformatted == ""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples in a new user's module, which names the client's directory by replace."""
    app = tmp_path_factory.mktemp("go") / "app"
    shutil.copytree(CLIENT / "examples", app)
    go("mod", "edit", f"-replace=penstock.dev/client-go={CLIENT}", cwd=app)
    return app


def test_the_readme_is_of_the_examples(app: Path, node: RealNode) -> None:
    programs = "".join(path.read_text() for path in app.glob("*/main.go"))
    snippets = re.findall(r"```go\n(.*?)```", (CLIENT / "README.md").read_text(), re.S)
    assert len(snippets) == 6
    for snippet in snippets:
        assert textwrap.indent(snippet, "\t") in programs, f"not in the examples:\n{snippet}"
    printed = go("run", "./quickstart", node.address, cwd=app).splitlines()
    assert printed[0] == "c042 12.5"
    assert printed[1].startswith("{customer=c042 total=12.5 ROWTIME=")
    assert printed[2:] == ["over 50: 100.5", "UNKNOWN_RELATION revenue"]


def test_the_purchases_example(app: Path, node: RealNode) -> None:
    assert go("run", "./purchases", node.address, cwd=app).endswith("\nrecount of 2000 purchases, 50 customers: every value right\n")
