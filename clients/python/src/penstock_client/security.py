"""How a client shows who it is and checks the service: TLS files, and the token that goes with every call. The same for both clients."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

Token = str | Callable[[], str]
"""A token, or what gives the present one."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files. ca: authorities by which the service is checked, "" for the system's. cert and key: the client's own certificate, both or
    none. server_name: the name in the service's certificate, where it is not that of the address."""

    ca: str | Path = ""
    cert: str | Path = ""
    key: str | Path = ""
    server_name: str = ""

    def credentials(self) -> grpc.ChannelCredentials:
        """For a channel. Raises OSError, ValueError."""
        if bool(self.cert) != bool(self.key):
            raise ValueError("a client certificate takes both cert and key")
        return grpc.ssl_channel_credentials(*(Path(p).read_bytes() if p else None for p in (self.ca, self.key, self.cert)))


class TokenFile:
    """The token in a file, read again when the file changes."""

    def __init__(self, path: str | Path) -> None:
        """Raises OSError, ValueError."""
        self._path = Path(path)
        self._seen = (0, 0)
        self._token = ""
        self()

    def __call__(self) -> str:
        found = self._path.stat()
        if (found.st_mtime_ns, found.st_ino) != self._seen:
            token = self._path.read_text(encoding="utf-8").strip()
            if not token or any(c.isspace() for c in token):
                raise ValueError(f"{self._path} does not hold a token and nothing else")
            self._token, self._seen = token, (found.st_mtime_ns, found.st_ino)
        return self._token


def authorization(token: Token | None) -> Callable[[], list[tuple[str, str]]]:
    """What gives a call's metadata for the present token."""
    if token is None:
        return list
    given = token if callable(token) else lambda: token
    return lambda: [("authorization", f"Bearer {given()}")]


def channel_credentials(
    address: str, credentials: grpc.ChannelCredentials | None, tls: Tls | bool | None, token: Token | None
) -> grpc.ChannelCredentials | None:
    """What the channel is made with; None for plain text. Raises ValueError where a token would travel in plain text over a network."""
    if credentials is not None:
        return credentials
    if tls:
        return (Tls() if tls is True else tls).credentials()
    if token is not None and not _on_this_machine(address):
        raise ValueError(f"a token would be sent to {address} in plain text: give tls=True, or Tls(ca=...) for authorities of your own")
    return None


def _on_this_machine(address: str) -> bool:
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].removeprefix("dns:///").strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

