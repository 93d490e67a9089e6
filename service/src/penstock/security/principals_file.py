"""The file of `--tokens`: who may do what, one line for each credential.

    # NAME   CREDENTIAL                     ROLES
    ann      sha256:SALT:HASH               reader:*,writer:orders_*
    billing  "certificate:billing.example"  reader:invoices
    data     jwt:groups=data-team           admin:analytics_*
    n1       certificate:n1.example         node

A name may have several lines, say while a token is exchanged. CREDENTIAL: `penstock token new` prints that of a token; `certificate:` with a
subject alternative name or the common name of a client certificate; `jwt:CLAIM=VALUE` for a claim, or a member of one that is a list: all lines
that fit a JWT count together. ROLES: reader, writer or admin with a pattern of names, or node (security/principal.py).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from penstock.config import ConfigError
from penstock.security.principal import Grant, Role
from penstock.security.tokens import NAME, is_credential

NODE = "node"


@dataclass(frozen=True, slots=True)
class Line:
    """One line. kind: "token", "certificate" or "jwt". value: the hash, the name in the certificate, `CLAIM=VALUE`."""

    name: str
    kind: str
    value: str
    grants: tuple[Grant, ...]
    node: bool


def read_principals(path: Path) -> tuple[Line, ...]:
    """Every line. Raises ConfigError that names the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--tokens {path}: it cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return tuple(_lines(path, text))


def _lines(path: Path, text: str) -> Iterator[Line]:
    for number, raw in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(raw, comments=True)
            if words:
                yield _line(words)
        except ValueError as error:
            raise ConfigError(f"--tokens {path}, line {number}: {error}") from error


def _line(words: list[str]) -> Line:
    if len(words) != 3:
        raise ValueError(f"it has {len(words)} words, and takes three: NAME CREDENTIAL ROLES")
    name, credential, roles = words
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name: a letter or digit, then letters, digits or . _ @ + -, at most 128")
    kind, value = _credential(credential)
    grants, node = parse_roles(roles)
    return Line(name, kind, value, grants, node)


def _credential(text: str) -> tuple[str, str]:
    kind, _, value = text.partition(":")
    if kind == "certificate" and value:
        return kind, value
    if kind == "jwt" and all(value.partition("=")[::2]):
        return kind, value
    if is_credential(text):
        return "token", text
    raise ValueError("the credential is none of sha256:SALT:HASH (from `penstock token new`), certificate:NAME and jwt:CLAIM=VALUE")


def parse_roles(text: str) -> tuple[tuple[Grant, ...], bool]:
    """(grants, whether it is a node) of `ROLE:PATTERN,...`. Raises ValueError."""
    grants: list[Grant] = []
    node = False
    for part in text.split(","):
        role, _, pattern = part.strip().partition(":")
        if role == NODE and not pattern:
            node = True
        elif pattern and role in (r.value for r in Role):
            grants.append(Grant(Role(role), pattern))
        else:
            raise ValueError(f"{part.strip()!r} is no role: reader:PATTERN, writer:PATTERN, admin:PATTERN or node")
    return tuple(grants), node
