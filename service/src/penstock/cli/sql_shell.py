"""The shell of `penstock sql`: history, completion, statements over several lines, queries that Ctrl-C ends."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer

from penstock.cli.failure import Failure, brief, say, underlined
from penstock.cli.sql_runner import SqlRunner
from penstock.errors import ExpressionError
from penstock.errors import PenstockError as ServiceError

if TYPE_CHECKING:
    from penstock_client import Client

HELP = """\
A statement ends with a semicolon and may span lines. Ctrl-C ends a query or clears the line, Ctrl-D leaves.
  SHOW STREAMS; SHOW TABLES; SHOW QUERIES;      what there is
  DESCRIBE name EXTENDED; EXPLAIN query_id;     what it is and how it runs
  SELECT ... ;                                  rows as they are now (pull query)
  SELECT ... EMIT CHANGES;                      rows as they come (push query)
  PRINT 'topic' FROM BEGINNING LIMIT 10;        records of a topic
  RUN SCRIPT 'file.sql';                        a file, here
  SET 'auto.offset.reset' = 'earliest';         push queries over streams begin at their beginning
  exit                                          leave"""
WORDS = ("exit", "quit", "help")
KEYWORDS = (
    "ADD", "ALL", "ALTER", "AND", "ARRAY", "AS", "ASSERT", "BEGINNING", "BETWEEN", "BIGINT", "BOOLEAN", "BY", "BYTES", "CASE", "CAST", "CHANGES",
    "COLUMN", "CREATE", "DATE", "DECIMAL", "DEFINE", "DELETE", "DESCRIBE", "DISTINCT", "DOUBLE", "DROP", "ELSE", "EMIT", "END", "ESCAPE", "EXISTS",
    "EXPLAIN", "EXTENDED", "FINAL", "FROM", "FULL", "FUNCTION", "FUNCTIONS", "GRACE", "GROUP", "HAVING", "HEADER", "HEADERS", "HOPPING", "IF", "IN",
    "INNER", "INSERT", "INT", "INTERVAL", "INTO", "IS", "JOIN", "KEY", "LEFT", "LIKE", "LIMIT", "LIST", "MAP", "NOT", "NULL", "ON", "OR", "ORDER",
    "OUTER", "PARTITION", "PAUSE", "PERIOD", "PRIMARY", "PRINT", "PROPERTIES", "QUERIES", "REPLACE", "RESUME", "RETENTION", "RIGHT", "RUN",
    "SCRIPT", "SELECT", "SESSION", "SET", "SHOW", "SIZE", "SOURCE", "STREAM", "STREAMS", "STRING", "STRUCT", "TABLE", "TABLES", "TERMINATE", "THEN",
    "TIME", "TIMEOUT", "TIMESTAMP", "TOPIC", "TOPICS", "TUMBLING", "TYPE", "TYPES", "UNDEFINE", "UNSET", "VALUES", "VARIABLES", "WHEN", "WHERE",
    "WINDOW", "WITH", "WITHIN",
)
FRESH_SECONDS = 10.0
_WORD = re.compile(r"[A-Za-z0-9_@]+")


def shell(runner: SqlRunner, address: str) -> None:
    """Read and run until the user leaves. Errors are told, and do not end it."""
    names = Names(runner.client)
    session: PromptSession[str] = PromptSession(
        history=_history(), completer=SqlCompleter(names), lexer=PygmentsLexer(SqlLexer), multiline=True, key_bindings=_keys(),
        prompt_continuation=lambda width, line, wrapped: "...> ", complete_while_typing=False)
    print(f"Penstock SQL on {address}; help; for help, Ctrl-D to leave", file=sys.stderr)
    while True:
        try:
            text = session.prompt("sql> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        word = text.strip().rstrip(";").strip().lower()
        if word in ("exit", "quit"):
            return
        if word == "help":
            print(HELP)
            continue
        run(runner, text)
        names.stale()


def run(runner: SqlRunner, text: str) -> None:
    """Run what was typed; errors are told with their place, Ctrl-C ends what runs."""
    from penstock_client.errors import PenstockError, UnreachableError

    try:
        runner.script(text, Path())
    except KeyboardInterrupt:
        print("\nended", file=sys.stderr)
    except UnreachableError as error:
        say(f"the service does not answer: {brief(error.message)}")
    except PenstockError as error:
        say(error.message, error.metadata)
        if error.expression is not None and error.expression.field == "sql":
            print(underlined(error.expression, text), file=sys.stderr)
    except ExpressionError as error:
        say(error.message)
        print(underlined(error, text), file=sys.stderr)
    except (ServiceError, Failure) as error:
        say(str(error))


class Names:
    """Names of the service's relations, columns and functions, asked for when needed and at most once in a while."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._at = 0.0
        self._found: tuple[str, ...] = ()
        self._functions: tuple[str, ...] = ()

    def stale(self) -> None:
        """Something may have changed."""
        self._at = 0.0

    def all(self) -> tuple[str, ...]:
        """Every name; what was known before while the service does not answer."""
        from penstock_client.errors import PenstockError

        if time.monotonic() - self._at > FRESH_SECONDS:
            self._at = time.monotonic()
            try:
                self._functions = self._functions or tuple(f.name for f in self._client.functions())
                relations = self._client.relations()
            except PenstockError:
                return self._found
            self._found = tuple(dict.fromkeys([*(r.name for r in relations), *(c.name for r in relations for c in r.columns), *self._functions]))
        return self._found


class SqlCompleter(Completer):
    """Completes keywords, and names of relations, columns and functions."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Everything that begins with the word at the cursor."""
        word = document.get_word_before_cursor(pattern=_WORD)
        return completions(word, self._names.all())


def completions(word: str, names: Iterable[str]) -> Iterator[Completion]:
    """Names first, then keywords, without regard to case; a keyword is written as the word is."""
    upper = word.upper()
    if not upper:
        return
    for name in dict.fromkeys([*names, *KEYWORDS]):
        if name.upper().startswith(upper):
            yield Completion(name.lower() if word.islower() and name.isupper() else name, start_position=-len(word))


def _keys() -> KeyBindings:
    """Enter runs what is complete, else begins a line."""
    from prompt_toolkit.application.current import get_app

    from penstock.sql.script import complete

    keys = KeyBindings()

    @Condition
    def ready() -> bool:
        text = get_app().current_buffer.document.text
        return complete(text) or text.strip().lower() in WORDS

    @keys.add("enter", filter=ready)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return keys


def _history() -> History:
    """In PENSTOCK_SQL_HISTORY, else in the user's state directory; in memory where that cannot be written."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    path = Path(os.environ.get("PENSTOCK_SQL_HISTORY") or Path(state) / "penstock" / "sql_history")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        say(f"no history is kept: {path}: {error.strerror}")
        return InMemoryHistory()
    return FileHistory(str(path))

