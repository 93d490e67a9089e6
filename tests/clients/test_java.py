"""The Java client: its own tests; its README and examples as a new user meets them, in a project that takes the jar from the local repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from conftest import ROOT, without
from languages import maven, missing_tools
from real import RealNode

CLIENT = ROOT / "clients/java"
# The first compilation of the generated code takes a minute of processor time; it is done once.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if missing := missing_tools("java", "javac", "mvn"):
        without("Java", f"there is {missing}")


def test_its_own_tests_pass() -> None:
    shutil.rmtree(CLIENT / "target/surefire-reports", ignore_errors=True)
    maven("test", cwd=CLIENT)
    suites = [ElementTree.parse(path).getroot() for path in (CLIENT / "target/surefire-reports").glob("*.xml")]
    assert sum(int(suite.attrib["tests"]) for suite in suites) > 20
    assert sum(int(suite.attrib[kind]) for suite in suites for kind in ("failures", "errors", "skipped")) == 0


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of an example, but for its class: a project of its own, as the examples' pom.xml describes it, after `mvn install` of the client."""
    maven("-DskipTests", "install", cwd=CLIENT)
    project = tmp_path_factory.mktemp("java") / "app"
    shutil.copytree(CLIENT / "examples", project, ignore=shutil.ignore_patterns("target"))
    maven("compile", "dependency:build-classpath", "-DincludeScope=runtime", "-Dmdep.outputFile=target/classpath", cwd=project)
    path = (project / "target/classpath").read_text()
    assert "penstock-client-0.1.0.jar" in path and str(ROOT) not in path
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{project / 'target/classes'}:{path}"]


def run(app: list[str], program: str, address: str) -> str:
    done = subprocess.run([*app, f"example.{program}", address], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{program} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_the_readme_is_of_the_examples(app: list[str], node: RealNode) -> None:
    programs = "".join(path.read_text() for path in CLIENT.glob("examples/**/*.java"))
    snippets = re.findall(r"```java\n(.*?)```", (CLIENT / "README.md").read_text(), re.S)
    assert len(snippets) == 6
    for snippet in snippets:
        assert any(textwrap.indent(snippet, " " * by) in programs for by in (8, 12)), f"not in the examples:\n{snippet}"
    assert run(app, "Quickstart", node.address).splitlines() == [
        "12.5", "Revenue[customer=c042, total=12.5]", "c042 12.5", "over 50: 100.5", "UNKNOWN_RELATION revenue",
    ]  # fmt: skip


def test_the_purchases_example(app: list[str], node: RealNode) -> None:
    assert run(app, "Purchases", node.address).endswith("\nrecount of 2000 purchases, 50 customers: every value right\n")
