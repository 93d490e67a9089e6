"""The Python client's README as a new user meets it, and its example: from the wheel as built, not from the source tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from importlib.metadata import distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

sys.path.insert(0, str(Path(__file__).parent))

from conftest import ROOT
from real import RealNode

CLIENT = ROOT / "clients/python"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs a program in an environment where pip has installed the wheel; what it depends on is taken from this one, and must be what it asks for."""
    made = tmp_path_factory.mktemp("python")
    python = made / "env/bin/python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]

    def do(*command: str) -> None:
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"

    do(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(made), str(CLIENT))
    [wheel] = made.glob("*.whl")
    venv.create(made / "env", with_pip=False, symlinks=True)
    do(*pip, "install", "--no-index", "--no-deps", str(wheel))
    [site] = made.glob("env/lib/python*/site-packages")
    # A line adds a directory, without the links to source trees that stand there.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    [distribution] = distributions(name="penstock-client", path=[str(site)])
    for requirement in map(Requirement, distribution.requires or ()):
        assert requirement.specifier.contains(version(requirement.name)), requirement

    def run(*command: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run([str(python), *command], cwd=made, env=environment, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    assert Path(run("-c", "import penstock_client; print(penstock_client.__file__)").strip()).is_relative_to(made)
    return run


def test_the_readme_runs_from_the_wheel(app: Callable[..., str], node: RealNode) -> None:
    snippets = re.findall(r"```python\n(.*?)```", (CLIENT / "README.md").read_text(), re.S)
    examples = {path.read_text(): path.stem for path in CLIENT.glob("examples/*.py")}
    names = [examples.get(snippet, "") for snippet in snippets]
    assert names == ["quickstart", "appender", "points"], "a snippet of README.md is not one of the examples"
    printed = {name: app("-c", snippet.replace("127.0.0.1:7550", node.address)) for name, snippet in zip(names, snippets, strict=True)}
    assert printed["quickstart"] == "12.5\nc042 12.5\n"
    assert re.fullmatch(r"[\w-]+\n", printed["appender"])
    assert printed["points"] == "c042 12\n"


def test_the_purchases_example(app: Callable[..., str], node: RealNode) -> None:
    assert app(str(CLIENT / "examples/purchases.py"), node.address).endswith("\nrecount of 2000 purchases, 50 customers: every value right\n")
