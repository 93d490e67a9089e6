"""The TypeScript client: its own tests, against a real node too; its README as a new user meets it, from the packed file; its example."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from conftest import ROOT, without
from real import RealNode

CLIENT = ROOT / "clients/typescript"
pytestmark = pytest.mark.timeout(300)


def run(*command: str, cwd: Path = CLIENT, environment: Mapping[str, str] | None = None, seconds: float = 180) -> str:
    """What a command printed; fails with its output when it fails."""
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built() -> Path:
    """The client's directory, installed and compiled."""
    if missing := [tool for tool in ("node", "npm") if shutil.which(tool) is None]:
        without("TypeScript", f"there is no {' and no '.join(missing)}")
    if not (CLIENT / "node_modules/.bin/tsc").exists():
        run("npm", "ci", "--silent", "--ignore-scripts")
    shutil.rmtree(CLIENT / "dist", ignore_errors=True)
    run("npm", "run", "--silent", "build")
    return CLIENT


def test_its_own_tests_pass(built: Path, node: RealNode) -> None:
    files = sorted(str(path) for path in built.glob("dist/test/**/*.test.js"))
    out = run("node", "--test", *files, environment={"PENSTOCK_ADDRESS": node.address})
    assert int(re.search(r"^# pass (\d+)", out, re.M)[1]) > 80  # type: ignore[index]
    assert "\n# skipped 0" in out, out[-2000:]


def test_the_readme_runs_from_the_packed_file(built: Path, node: RealNode, tmp_path: Path) -> None:
    snippets = re.findall(r"```ts\n(.*?)```", (built / "README.md").read_text(), re.S)
    examples = {path.read_text(): path.stem for path in built.glob("examples/*.ts")}
    names = [examples.get(snippet, "") for snippet in snippets]
    assert names == ["quickstart", "resume", "appender", "sql", "points", "trial", "functions", "errors"], "a snippet of README.md is not one of the examples"
    packed = tmp_path / run("npm", "pack", "--silent", "--pack-destination", str(tmp_path)).strip()
    app = tmp_path / "app"
    app.mkdir()
    run("npm", "init", "--yes", cwd=app)
    run("npm", "install", "--silent", str(packed), cwd=app)
    for name, snippet in zip(names, snippets, strict=True):
        (app / f"{name}.mts").write_text(snippet.replace("127.0.0.1:7550", node.address))
    # The compiler and Node's types are the client's own: what is tried is the packed file and its declarations.
    modules = CLIENT / "node_modules"
    run(str(modules / ".bin/tsc"), "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--types", "node", "--typeRoots",
        str(modules / "@types"), *(f"{name}.mts" for name in names), cwd=app)  # fmt: skip
    printed = {name: run("node", f"{name}.mjs", cwd=app, seconds=60) for name in names}
    assert printed["quickstart"] == "12.5\nc042 12.5\n"
    assert printed["resume"].startswith("c042 12.5 ")
    assert re.fullmatch(r"[\w-]+\n", printed["appender"])
    assert re.fullmatch(r"\{ item: '\w+', SOLD: \d+n \}\n", printed["sql"])
    assert printed["points"] == "c042 12n\n"
    assert printed["functions"] == "l\n"
    assert printed["trial"] == "[ { n: 8 } ]\n"
    assert printed["errors"] == "NOT_FOUND spend\n"


def test_the_purchases_example(built: Path, node: RealNode) -> None:
    assert run("node", "dist/examples/purchases.js", node.address, cwd=built, seconds=120).endswith("\n0 lost, 0 doubled\n")
