"""What scenarios in Python share: a client, names, the runner's ear, and values as facts have them."""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from penstock_client import Client, ClosedError, PenstockError, UnreachableError
from penstock_client.types import Kind, SqlType


class Run:
    """One run of a scenario."""

    def __init__(self, address: str, prefix: str, settings: dict[str, str]) -> None:
        self.address = address
        self.settings = settings
        self._prefix = prefix
        self._clients: list[Client] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for client in self._clients:
            client.close()

    def connect(self, **options: Any) -> Client:
        """One more client, closed at the end."""
        client = Client(self.address, **options)
        self._clients.append(client)
        return client

    @property
    def client(self) -> Client:
        """The first client."""
        return self._clients[0] if self._clients else self.connect()

    def name(self, base: str) -> str:
        """A name of this run's own."""
        return self._prefix + base

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Have the runner do something; its answer."""
        print(json.dumps({"ask": what, **arguments}), flush=True)
        answer: dict[str, Any] = json.loads(sys.stdin.readline())
        return answer


def reason(call: Callable[[], Any]) -> str:
    """Why a call failed; `OK` when it did not."""
    try:
        call()
    except UnreachableError:
        return "UNREACHABLE"
    except ClosedError:
        return "CLOSED"
    except PenstockError as error:
        return error.reason
    except (TypeError, ValueError):
        return "REJECTED"
    return "OK"


def plain(value: Any, of: SqlType | None = None) -> Any:
    """A value as facts have it. of: its type, by which BIGINT becomes text."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return str(value) if of is not None and of.kind is Kind.BIGINT else value
        case float():
            return value if math.isfinite(value) else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
        case Decimal():
            return format(value, "f")
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
        case date():
            return value.isoformat()
        case time():
            return value.isoformat(timespec="milliseconds")
        case list():
            return [plain(one, of and of.element) for one in value]
        case _:
            return _entries(value, of)


def _entries(value: Mapping[str, Any], of: SqlType | None) -> dict[str, Any]:
    fields = dict(of.fields) if of is not None and of.kind is Kind.STRUCT else {}
    return {name: plain(one, fields.get(name, of and of.element)) for name, one in value.items()}


def cells(row: Any) -> dict[str, Any]:
    """A row as facts have it, META columns left out."""
    return {c.name: plain(row[c.name], c.type) for c in row.schema.columns if c.role != "META"}
