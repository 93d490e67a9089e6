"""JSON Web Tokens (RFC 7519) checked by the keys of a JWKS file (RFC 7517): RS256 and ES256, exp required, nbf, aud and iss checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from penstock.config import ConfigError
from penstock.security.principal import LEEWAY, invalid

ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}


@dataclass(frozen=True, slots=True)
class Keys:
    """keys: by their `kid`, "" for one without."""

    keys: Mapping[str, jwt.PyJWK]
    audience: str
    issuer: str

    def claims(self, token: str) -> Mapping[str, Any]:
        """What a valid token says. Raises CREDENTIALS_INVALID."""
        try:
            key = self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            return jwt.decode(token, key, algorithms=[key.algorithm_name], audience=self.audience, issuer=self.issuer, leeway=LEEWAY,
                              options={"require": ["exp", "iss", "aud", "sub"]})
        except jwt.PyJWTError as error:
            raise invalid(f"the JWT is not accepted: {error}") from error

    def _key(self, kid: str) -> jwt.PyJWK:
        found = self.keys.get(kid)
        if found is None and not kid and len(self.keys) == 1:
            found = next(iter(self.keys.values()))
        if found is None:
            raise invalid(f"the JWT is signed with key {kid!r}, which the JWKS file does not have")
        return found


def read_keys(path: Path, audience: str, issuer: str) -> Keys:
    """The keys of a file that check signatures. Raises ConfigError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["keys"]
        keys = {str(k.get("kid", "")): jwt.PyJWK(k, ALGORITHMS[k["kty"]]) for k in found if _signs(k)}
    except OSError as error:
        raise ConfigError(f"--jwks {path}: it cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise ConfigError(f"--jwks {path}: it is no JSON Web Key Set: {error!r}") from error
    if not keys:
        raise ConfigError(f"--jwks {path}: no key in it is for RS256 or ES256 signatures")
    return Keys(keys, audience, issuer)


def _signs(key: Mapping[str, Any]) -> bool:
    kind = key.get("kty")
    return kind in ALGORITHMS and key.get("use", "sig") == "sig" and key.get("alg", ALGORITHMS[kind]) == ALGORITHMS[kind] \
        and (kind != "EC" or key.get("crv") == "P-256")
