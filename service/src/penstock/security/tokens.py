"""Static tokens: `pst.NAME.SECRET`. A file holds a salted hash only.

The secret has 256 bits of chance, so that one round of SHA-256 is enough: a slow hash is for what people choose, and would cost each call.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets

PREFIX = "pst."
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_SCHEME = "sha256"


def new_token(name: str) -> tuple[str, str]:
    """(the token, its credential for the file)."""
    secret, salt = secrets.token_urlsafe(32), secrets.token_bytes(16)
    return f"{PREFIX}{name}.{secret}", f"{_SCHEME}:{_text(salt)}:{_text(_hash(salt, secret))}"


def split_token(token: str) -> tuple[str, str] | None:
    """(name, secret); None when it is no static token."""
    if not token.startswith(PREFIX):
        return None
    name, dot, secret = token.removeprefix(PREFIX).rpartition(".")
    return (name, secret) if dot and name else None


def is_credential(text: str) -> bool:
    """Whether a file's credential is a hash as new_token gives it."""
    return _parts(text) is not None


def matches(secret: str, credential: str) -> bool:
    """Whether this is the secret, in a time that says nothing."""
    parts = _parts(credential)
    return parts is not None and hmac.compare_digest(_hash(parts[0], secret), parts[1])


def _parts(credential: str) -> tuple[bytes, bytes] | None:
    scheme, _, rest = credential.partition(":")
    salt, _, digest = rest.partition(":")
    if scheme != _SCHEME or not salt or not digest:
        return None
    try:
        found = _bytes(salt), _bytes(digest)
    except (ValueError, binascii.Error):
        return None
    return found if len(found[1]) == 32 else None


def _hash(salt: bytes, secret: str) -> bytes:
    return hashlib.sha256(salt + secret.encode()).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
