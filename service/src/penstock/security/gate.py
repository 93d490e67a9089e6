"""Who a caller is, by the files that name principals; those are read anew when they change, and kept as they were when they are wrong."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.config import ServeConfig
from penstock.security.files import Watched
from penstock.security.principal import LEEWAY, Grant, Principal, invalid
from penstock.security.principals_file import Line, read_principals
from penstock.security.tokens import matches, split_token

if TYPE_CHECKING:
    from penstock.security.jwt_keys import Keys

MOST_KNOWN = 10_000
"""Tokens whose principals are kept at hand."""


class Gate:
    """The principals of a node. Not for several threads at once."""

    def __init__(self, config: ServeConfig) -> None:
        """Reads the files. Raises ConfigError."""
        tokens, jwks = Path(config.tokens), Path(config.jwks) if config.jwks else None

        def read() -> tuple[tuple[Line, ...], Keys | None]:
            lines = read_principals(tokens)
            if jwks is None:
                return lines, None
            from penstock.security.jwt_keys import read_keys  # late: it brings cryptography, which few gateways need

            return lines, read_keys(jwks, config.jwt_audience, config.jwt_issuer)

        self._files = Watched([tokens, *([jwks] if jwks else ())], read, "principals read anew", "principals stay as they were")
        self._known: dict[str, Principal] = {}
        self.edition = 0
        """Another number whenever the files were read anew."""

    @property
    def _lines(self) -> tuple[Line, ...]:
        return self._files.current[0]

    @property
    def _keys(self) -> Keys | None:
        return self._files.current[1]

    def refresh(self) -> None:
        """Look whether the files have changed."""
        if self._files.refresh():
            self._known.clear()
            self.edition += 1

    def of_token(self, authorization: str) -> Principal:
        """The principal of an Authorization header, `Bearer TOKEN`. Raises CREDENTIALS_INVALID."""
        found = self._known.get(authorization)
        if found is None:
            found = self._look_up(authorization)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[authorization] = found
        if found.expires is not None and found.expires + LEEWAY < time.time():
            raise invalid("the token has expired")
        return found

    def of_certificate(self, names: Iterable[str]) -> Principal:
        """The principal of a client certificate that was verified already, by the names in it. Raises CREDENTIALS_INVALID."""
        names = tuple(names)
        found = [line for line in self._lines if line.kind == "certificate" and line.value in names]
        if not found:
            raise invalid(f"no principal has the certificate of {', '.join(names) or 'nobody'}")
        return _together(found[0].name, [line for line in found if line.name == found[0].name])

    def _look_up(self, authorization: str) -> Principal:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise invalid("the authorization is no `Bearer TOKEN`")
        parts = split_token(token)
        if parts is not None:
            name, secret = parts
            found = [line for line in self._lines if line.kind == "token" and line.name == name and matches(secret, line.value)]
            if not found:
                raise invalid("the token is not known")
            return _together(name, found)
        if self._keys is None:
            raise invalid("the token is not known")
        return self._of_claims(self._keys, token)

    def _of_claims(self, keys: Keys, token: str) -> Principal:
        claims = keys.claims(token)
        found = [line for line in self._lines if line.kind == "jwt" and _says(claims, line.value)]
        return replace(_together(str(claims["sub"]), found), expires=float(claims["exp"]))


def _says(claims: Mapping[str, Any], condition: str) -> bool:
    claim, _, wanted = condition.partition("=")
    value = claims.get(claim)
    return wanted in map(str, value) if isinstance(value, list) else value is not None and str(value) == wanted


def _together(name: str, lines: Iterable[Line]) -> Principal:
    grants: dict[Grant, None] = {}
    node = False
    for line in lines:
        grants |= dict.fromkeys(line.grants)
        node = node or line.node
    return Principal(name, tuple(grants), node)
