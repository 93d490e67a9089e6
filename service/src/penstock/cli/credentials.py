"""Options of every command that talks to a service: how it shows who it is. They are added in one place, to whatever has `--address`."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.failure import USAGE, Failure

if TYPE_CHECKING:
    from penstock_client import Tls
    from penstock_client.security import Token

TOKEN = "PENSTOCK_TOKEN"


@dataclass(frozen=True, slots=True)
class Credentials:
    """As given; empty where not."""

    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    credentials_file: str = ""


_given: ContextVar[Credentials] = ContextVar("credentials")

_OPTIONS: dict[str, Any] = {
    "tls_ca": Annotated[str, typer.Option("--ca", envvar="PENSTOCK_CA", metavar="FILE", help="Speak TLS; PEM authorities by which the service is checked; "
                                      "`system` for the system's.")],
    "tls_cert": Annotated[str, typer.Option("--cert", envvar="PENSTOCK_CERT", metavar="FILE", help="PEM client certificate.")],
    "tls_key": Annotated[str, typer.Option("--key", envvar="PENSTOCK_KEY", metavar="FILE", help="Its PEM key.")],
    "credentials_file": Annotated[str, typer.Option("--credentials-file", envvar="PENSTOCK_CREDENTIALS_FILE", metavar="FILE",
                                                    help=f"File that holds the token; without it the environment's {TOKEN}.")],
}


def with_credentials(app: typer.Typer) -> None:
    """Add the options to the commands that have `--address`, also in groups."""
    for command in app.registered_commands:
        if command.callback is not None and "address" in inspect.signature(command.callback).parameters:
            command.callback = _wrapped(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            with_credentials(group.typer_instance)


def _wrapped(command: Callable[..., Any]) -> Callable[..., Any]:
    plain = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        _given.set(Credentials(**{name: options.pop(name) for name in _OPTIONS}))
        return command(*args, **options)

    more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default="", annotation=of) for name, of in _OPTIONS.items()]
    run.__signature__ = plain.replace(parameters=[*plain.parameters.values(), *more])  # type: ignore[attr-defined]
    run.__annotations__ = {name: p.annotation for name, p in plain.parameters.items()} | _OPTIONS
    del run.__wrapped__  # typer would look at it
    return run


def given() -> tuple[Tls | None, Token | None]:
    """What the present command was given. Raises Failure."""
    from penstock_client import Tls, TokenFile

    options, tls = _given.get(Credentials()), None
    if options.tls_ca or options.tls_cert or options.tls_key:
        tls = Tls("" if options.tls_ca == "system" else options.tls_ca, options.tls_cert, options.tls_key)
    if not options.credentials_file:
        return tls, os.environ.get(TOKEN) or None
    try:
        return tls, TokenFile(options.credentials_file)
    except OSError as error:
        raise Failure(f"--credentials-file {options.credentials_file}: it cannot be read: {error.strerror or error}", USAGE) from error
    except ValueError as error:
        raise Failure(f"--credentials-file: {error}", USAGE) from error
