"""The languages: how the driver of each is built and started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True)
class Language:
    """One language. missing: what is not installed, empty when nothing is; build: makes the driver and gives the command that starts it; lacks:
    scenarios of what the client does not do yet."""

    name: str
    missing: Callable[[], str]
    build: Callable[[], list[str]]
    lacks: frozenset[str] = frozenset()


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} in {cwd} ended with {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def missing_tools(*tools: str) -> str:
    """What of these is not on the PATH; empty when nothing is."""
    return ", ".join(f"no {tool}" for tool in tools if shutil.which(tool) is None)


def _python() -> list[str]:
    return [sys.executable, str(HERE / "drivers/python/driver.py")]


def build_typescript_client() -> Path:
    """The client's directory, installed and compiled."""
    client = ROOT / "clients/typescript"
    if not (client / "node_modules/.bin/tsc").exists():
        _run("npm", "ci", "--silent", "--ignore-scripts", cwd=client)
    _run("npm", "run", "--silent", "build", cwd=client)
    return client


def build_go(package: str, folder: Path, program: Path) -> list[str]:
    """The command of a program in Go. One process at a time: the machine has other work."""
    _run("go", "build", "-p=1", "-o", str(program), package, cwd=folder)
    return [str(program)]


def _typescript() -> list[str]:
    client = build_typescript_client()
    # The driver imports the client by its name, as an application does.
    linked = HERE / "node_modules/@penstock/client"
    linked.parent.mkdir(parents=True, exist_ok=True)
    if not linked.is_symlink():
        linked.symlink_to(os.path.relpath(client, linked.parent))
    _run(str(client / "node_modules/.bin/tsc"), "-p", str(HERE), cwd=HERE)
    return ["node", str(HERE / "dist/drivers/typescript/driver.js")]


def _go() -> list[str]:
    return build_go("./drivers/go", HERE, ROOT / ".cache/conformance/go-driver")


def maven(*goals: str, cwd: Path) -> None:
    """Run Maven: from what this machine has, and from the network only where that does not do."""
    done = subprocess.run(["mvn", "-q", "-B", "-o", *goals], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        _run("mvn", "-q", "-B", *goals, cwd=cwd)


def java_classpath(sources: list[Path], classes: Path) -> str:
    """Where compiled programs in Java are, with the client as its jar and what that depends on."""
    client = ROOT / "clients/java"
    maven("-DskipTests", "package", "dependency:build-classpath", "-DincludeScope=runtime", "-Dmdep.outputFile=target/classpath", cwd=client)
    path = f"{client / 'target/penstock-client-0.1.0.jar'}:{(client / 'target/classpath').read_text()}"
    _run("javac", "-d", str(classes), "-cp", path, "-Xlint:all,-processing,-auxiliaryclass,-try", *map(str, sources), cwd=ROOT)
    return f"{classes}:{path}"


def build_java(sources: list[Path], classes: Path) -> list[str]:
    """The command of programs in Java but for the main class."""
    # Quick starts matter more here than long runs.
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Dscenarios={HERE / 'scenarios'}", "-cp", java_classpath(sources, classes)]


def _java() -> list[str]:
    sources = [*(HERE / "drivers/java").glob("*.java"), *(HERE / "scenarios").glob("*/*.java")]
    classes, jar, archive = HERE / "dist/java", HERE / "dist/conformance.jar", HERE / "dist/conformance.jsa"
    *command, path = build_java(sources, classes)
    # An archive of loaded classes takes jars only. What the JVM says of it may not come between a driver's lines.
    _run("jar", "--create", "--file", str(jar), "-C", str(classes), ".", cwd=HERE)
    command = ["java", "-Xlog:disable", "-Xlog:all=warning:stderr", *command[1:], f"{jar}:{path.removeprefix(f'{classes}:')}", "conformance.Driver"]
    archive.unlink(missing_ok=True)
    _archive_classes(["java", f"-XX:ArchiveClassesAtExit={archive}", *command[1:]])
    return ["java", f"-XX:SharedArchiveFile={archive}", *command[1:]]


def _archive_classes(driver: list[str]) -> None:
    """Play a scenario that needs no node, at whose end the JVM keeps what it loaded: each later driver starts with a third less work."""
    from scripted import ScriptedStage  # late: who wants the tools above has no use for it

    stage = ScriptedStage()
    try:
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen([*driver, "every_reason", stage.address, ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
            facts = stage.converse(process, 90)
            if process.wait(90) != 0 or facts is None:
                errors.seek(0)
                raise SystemExit(f"{' '.join(driver)} ended with {process.returncode}\n{errors.read()[-4000:]}")
    finally:
        stage.close()


LANGUAGES = (
    Language("python", lambda: "", _python),
    Language("typescript", lambda: missing_tools("node", "npm"), _typescript),
    Language("java", lambda: missing_tools("java", "javac", "mvn"), _java),
    Language("go", lambda: missing_tools("go"), _go),
)
