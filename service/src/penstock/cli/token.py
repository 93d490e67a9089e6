"""Commands for credentials: `penstock token new`. They work on nothing but their arguments: no service is asked."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from penstock.cli.failure import USAGE


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Tokens of the file that `penstock serve --tokens` reads.", no_args_is_help=True, rich_markup_mode=None)
    group.command("new")(new)
    group.callback()(lambda: None)
    app.add_typer(group, name="token")


def new(
    name: Annotated[str, typer.Argument(help="The principal, as the audit will name it.")],
    role: Annotated[list[str], typer.Option("--role", metavar="ROLE:PATTERN", help="reader, writer or admin over the names of a glob pattern, such as reader:orders_*; "
                                            "or node; may be repeated.")],
) -> None:
    """Make a token: it is printed once, on standard output, then the line for the file."""
    from penstock.security.principals_file import parse_roles
    from penstock.security.tokens import NAME, new_token

    roles = ",".join(role)
    try:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name: a letter or digit, then letters, digits or . _ @ + -, at most 128")
        parse_roles(roles)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(USAGE) from None
    token, credential = new_token(name)
    print(f"token: {token}")
    print(f"line for the file of --tokens: {name} {credential} '{roles}'")
