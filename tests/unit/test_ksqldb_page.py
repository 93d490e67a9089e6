"""The page for ksqlDB's users says what is so."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from penstock.errors import RequestError
from penstock.sql import tree
from penstock.sql.catalog import InSession
from penstock.sql.rows import plain
from penstock.sql.script import parse_script
from penstock.testing.sql_engine import SqlEngine

_spec = importlib.util.spec_from_file_location("ksqldb_page", Path(__file__).parents[2] / "service" / "ksqldb_page.py")
assert _spec is not None and _spec.loader is not None
ksqldb_page = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(ksqldb_page)


def test_the_page_is_current() -> None:
    checked = subprocess.run([sys.executable, ksqldb_page.__file__, "--check"], capture_output=True, text=True, check=False)  # without this process's plug-ins
    assert checked.returncode == 0, checked.stderr


def test_every_example_works() -> None:
    engine = SqlEngine()
    for name, example, _ in ksqldb_page.STATEMENTS:
        if name == "RUN SCRIPT":  # the shell's: tests/node/test_sql.py
            continue
        if name == "DROP":
            engine.execute(*_only("TERMINATE ALL;", engine))
        found, text = _only(example, engine)
        if isinstance(found, tree.Query):
            plain(found, InSession(engine.catalog, engine.session))
        elif not isinstance(found, tree.Print):
            engine.execute(found, text)


def _only(text: str, engine: SqlEngine) -> tuple[tree.Statement, str]:
    (parsed,) = parse_script(text, engine.session)
    return parsed.statement, parsed.text


@pytest.mark.parametrize("example", [example for _, example in ksqldb_page.ABSENT])
def test_what_is_absent_is_refused(example: str) -> None:
    engine = SqlEngine()
    with pytest.raises(RequestError):
        engine.execute(*_only(example, engine))
