"""Errors as one clear line, and exit codes: 0 ok, 1 failed, 2 usage, 3 the service cannot be reached."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import typer

if TYPE_CHECKING:
    from penstock_client.errors import PenstockError

FAILED, USAGE, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130


class Place(Protocol):
    """Where an expression is wrong: the client's, or the service's own error."""

    @property
    def field(self) -> str: ...
    @property
    def node(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Failure(Exception):
    """Ends the command with a message on stderr and this exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def failures(address: str = "", texts: Mapping[str, str] | None = None, request: Any = None) -> Iterator[None]:
    """Turn what fails inside into a line on stderr and an exit code.

    texts: expressions of this command by their field in the request, and request: the message with the expressions, both for showing
    the place of a mistake.
    """
    from penstock_client.errors import PenstockError, UnreachableError

    from penstock.errors import ExpressionError
    from penstock.errors import PenstockError as ServiceError

    try:
        yield
    except UnreachableError as error:
        say(f"cannot reach the service at {address}: {brief(error.message)}")
        raise typer.Exit(UNREACHABLE) from None
    except PenstockError as error:
        say(error.message, error.metadata)
        if error.expression is not None:
            print(underlined(error.expression, expression_text(error.expression.field, texts or {}, request)), file=sys.stderr)
        _rows(error)
        raise typer.Exit(FAILED) from None
    except ExpressionError as error:
        say(error.message, error.metadata)
        if error.field in (texts or {}):
            print(underlined(error, (texts or {})[error.field]), file=sys.stderr)
        raise typer.Exit(FAILED) from None
    except (ServiceError, Failure) as error:
        say(str(error))
        raise typer.Exit(error.code if isinstance(error, Failure) else FAILED) from None
    except BrokenPipeError:
        # Who read the output has seen enough (`| head`); what is buffered must not be written again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def say(message: str, metadata: Mapping[str, str] | None = None) -> None:
    """One line on stderr; candidates of a wrong name are offered."""
    candidates = (metadata or {}).get("candidates", "")
    hint = f" (did you mean {candidates}?)" if candidates and "did you mean" not in message else ""
    print(f"error: {message}{hint}", file=sys.stderr)


def brief(message: str) -> str:
    """grpc's words without its stack of addresses."""
    return re.sub(r"^(failed to connect to all addresses; last error: )?(UNKNOWN|UNAVAILABLE): (ipv[46]:\S+: )?", "", message) or "no answer"


def _rows(error: PenstockError) -> None:
    for row in error.row_errors[:10]:
        print(f"  row {row.row}: {row.message}", file=sys.stderr)


def expression_text(field: str, texts: Mapping[str, str], request: Any) -> str:
    """The expression at a path such as `topology.nodes[2].filter.where`; empty when it is not known here."""
    if field in texts:
        return texts[field]
    value: Any = {"topology": request, "relation": request}
    try:
        for name, index in re.findall(r"(\w+)|\[(\d+)\]", field):
            if index:
                value = value[int(index)]
            else:
                value = value[name] if isinstance(value, dict) else getattr(value, name)
    except (AttributeError, IndexError, KeyError):
        return ""
    return value if isinstance(value, str) else ""


def underlined(place: Place, text: str) -> str:
    """Where it is, and the line of the expression with the wrong characters underlined."""
    where = f"  in node {place.node}, {place.field}" if place.node else f"  in {place.field}"
    if not text or place.start > len(text):
        return where
    begin = text.rfind("\n", 0, place.start) + 1
    end = text.find("\n", place.start)
    line = text[begin : end if end >= 0 else len(text)]
    column = place.start - begin
    width = max(1, min(place.end - place.start, len(line) - column))
    return f"{where}\n    {line}\n    {' ' * column}{'^' * width}"
