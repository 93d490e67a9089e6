"""What the operators' page hands out works: scripts, the options of the examples, units that name what is there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from penstock.cli.main import app
from penstock.cli.node import read_properties
from penstock.log.kafka.security import parse
from penstock.security.certificates import CertificateFiles
from typer.main import get_command

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_examples_have_options_that_exist() -> None:
    (line,) = [x for x in (DEPLOY / "config/serve.env").read_text().splitlines() if x.startswith("PENSTOCK_SERVE_OPTIONS=")]
    given = shlex.split(line.partition("=")[2])
    known = {option for p in get_command(app).commands["serve"].params for option in p.opts}  # type: ignore[attr-defined]
    assert {x for x in given if x.startswith("--")} <= known
    page = (DEPLOY / "README.md").read_text()
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for command in set(re.findall(r"^penstock ([a-z-]+)", page, re.MULTILINE)) | set(re.findall(r"`penstock ([a-z-]+)", page)):
        assert command in commands, command
    properties = read_properties(DEPLOY / "config/kafka.properties")
    del properties["ssl.truststore.location"], properties["ssl.truststore.type"]
    assert parse("a:1", properties).connection["sasl_mechanism"] == "SCRAM-SHA-512"


def test_scripts_are_shell() -> None:
    scripts = sorted((DEPLOY / "bin").iterdir())
    assert scripts and all(s.stat().st_mode & 0o111 for s in scripts)
    for script in scripts:
        subprocess.run(["sh", "-n", str(script)], check=True)
    units = "".join(u.read_text() for u in (DEPLOY / "systemd").iterdir())
    assert set(re.findall(r"ExecStart=/opt/penstock/bin/(\S+)", units)) == {"penstock", "penstock-backup"}


def test_certificates_of_the_script_can_be_used(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on the PATH")
    make = [str(DEPLOY / "bin/penstock-certificates"), str(tmp_path / "pki"), "node.example,127.0.0.1"]
    first = subprocess.run(make, check=True, capture_output=True, text=True).stdout
    assert "ca.pem" in first and "DNS:node.example,IP:127.0.0.1" in first
    pki = tmp_path / "pki"
    files = CertificateFiles(*(str(pki / name) for name in ("node.example.pem", "node.example.key", "ca.pem")))
    before = files.current().certificate
    assert "made" in subprocess.run(make, check=True, capture_output=True, text=True).stdout
    assert (pki / "node.example.pem").read_bytes() != before and (pki / "node.example.key").stat().st_mode & 0o077 == 0
    subprocess.run(["openssl", "verify", "-CAfile", str(pki / "ca.pem"), str(pki / "node.example.pem")], check=True, capture_output=True)
