"""Starts that cannot succeed: one clear line on standard error, the documented exit code, no traceback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from penstock.cli.main import app
from ports import free_port
from real import RealNode
from served import PENSTOCK
from typer.testing import CliRunner

USAGE, IN_USE, UNWRITABLE, NEWER, PORT_TAKEN = 2, 3, 4, 5, 6


def serve(*options: str) -> tuple[int, str]:
    """(exit code, standard error) of a start that fails."""
    done = subprocess.run([*PENSTOCK, "serve", *options], capture_output=True, text=True, timeout=40, check=False)
    assert "Traceback" not in done.stderr and done.stdout == "", done.stderr
    return done.returncode, done.stderr


def serve_here(*options: str) -> tuple[int, str]:
    """As serve, in this process: for options that are refused before anything is started."""
    done = CliRunner().invoke(app, ["serve", *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.stdout == ""
    return done.exit_code, done.stderr


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    return lines[0]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[list[str]]:
    yield ["--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{free_port()}", "--workers", "1"]


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = serve("--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{port}")
    assert code == PORT_TAKEN and str(port) in one_line(said)


def test_a_taken_metrics_port(data: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = serve(*data, "--metrics", f"127.0.0.1:{port}")
    assert code == PORT_TAKEN and any(line.startswith("penstock: ") and str(port) in line for line in said.splitlines()), said


def test_two_nodes_on_one_directory(shared: RealNode) -> None:
    code, said = serve("--data", str(shared.data), "--listen", f"127.0.0.1:{free_port()}")
    assert code == IN_USE and str(shared.data) in one_line(said)
    assert shared.client.cluster().log_available


@pytest.mark.skipif(not Path("/proc/1").exists(), reason="needs Linux")
def test_a_directory_that_cannot_be_written() -> None:
    code, said = serve("--data", "/proc/1/nothing", "--listen", f"127.0.0.1:{free_port()}")
    assert code == UNWRITABLE and "/proc/1/nothing" in one_line(said)


def test_a_file_in_the_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    code, said = serve("--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{free_port()}")
    assert code == UNWRITABLE and str(tmp_path / "data") in one_line(said)


@pytest.mark.parametrize(("written", "code"), [(json.dumps({"format": 99, "service_id": "penstock", "node_id": "n1"}), NEWER), ("no JSON", NEWER),
                                               (json.dumps({"format": 1, "service_id": "other", "node_id": "n1"}), USAGE)])
def test_a_directory_of_another_kind(tmp_path: Path, data: list[str], written: str, code: int) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "node.json").write_text(written)
    found, said = serve(*data)
    assert found == code and "data" in one_line(said)


@pytest.mark.parametrize("options", [
    ["--listen", "127.0.0.1"], ["--listen", "127.0.0.1:99999"], ["--listen", "127.0.0.1:x"],
    ["--workers", "1000"], ["--service-id", "no good"], ["--metrics", "nowhere"], ["--kafka-config", "/nowhere/at/all"],
    ["--log-level", "loud"], ["--kafka", "host:port"], ["--kafka", ","],
])
def test_wrong_options(tmp_path: Path, options: list[str]) -> None:
    code, said = serve_here("--data", str(tmp_path / "data"), *options)
    assert code == USAGE and options[0].lstrip("-").split("-")[0] in one_line(said), said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("options", [["--no-such-option"], ["--workers", "many"], ["--workers", "-1"]])
def test_options_that_do_not_parse(options: list[str]) -> None:
    code, said = serve_here(*options)
    assert code == USAGE and options[0] in said


@pytest.mark.parametrize("line", ["security.protocol=NONSENSE", "session.timeout.ms=soon", "no.such.property=1", "sasl.mechanism=PLAIN"])
def test_wrong_kafka_properties(tmp_path: Path, line: str) -> None:
    (tmp_path / "k.properties").write_text(line + "\n")
    code, said = serve_here("--data", str(tmp_path / "data"), "--kafka", "127.0.0.1:1", "--kafka-config", str(tmp_path / "k.properties"))
    assert code == USAGE and line.partition("=")[0] in one_line(said)
    assert not (tmp_path / "data").exists()


def test_an_open_address_needs_insecure() -> None:
    code, said = serve("--listen", "0.0.0.0:7550")
    assert code == USAGE and "--insecure" in one_line(said)


def test_a_client_without_a_service() -> None:
    done = subprocess.run([*PENSTOCK, "list"], capture_output=True, text=True, timeout=30, check=False,
                          env={**os.environ, "PENSTOCK_ADDRESS": f"127.0.0.1:{free_port()}"})
    assert done.returncode == 3 and "cannot reach the service" in one_line(done.stderr)
