"""Options that many commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.failure import USAGE, Failure

if TYPE_CHECKING:
    from penstock_client import Client

DEFAULT_ADDRESS = "127.0.0.1:7550"

Address = Annotated[str, typer.Option("--address", envvar="PENSTOCK_ADDRESS", help="HOST:PORT of the service.", show_default=True)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Where = Annotated[str, typer.Option("--where", help="Keep the rows for which this expression is true.", metavar="EXPRESSION")]
Columns = Annotated[str, typer.Option("--columns", help="Columns to print, by comma.", metavar="A,B")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="End after this many rows; 0 means never.")]
AtLeast = Annotated[list[str] | None, typer.Option("--at-least", help="Wait for this position token; may be repeated.", metavar="TOKEN")]
Delete = Annotated[bool, typer.Option("--delete-topics", help="Delete the topics too.")]


def connect(address: str) -> Client:
    """A client of the service at an address, which gives up within a second: who types a command sees soon that nobody is there. Imported
    late: `penstock version` needs no gRPC."""
    from penstock_client import Client, Retry

    from penstock.cli.credentials import given

    tls, token = given()
    try:
        return Client(address, retry=Retry(attempts=5), tls=tls, token=token)
    except (OSError, ValueError) as error:
        raise Failure(str(error), USAGE) from error


def names(text: str) -> list[str]:
    """Names by comma."""
    return [name.strip() for name in text.split(",") if name.strip()]
