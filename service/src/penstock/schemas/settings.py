"""How a schema registry is reached, by ksqlDB's property names (with or without `ksql.` before them). What is not understood is refused.

| property | meaning |
|---|---|
| schema.registry.url | one address or several, by commas |
| schema.registry.basic.auth.credentials.source | URL, USER_INFO or SASL_INHERIT |
| schema.registry.basic.auth.user.info | user:password |
| schema.registry.sasl.jaas.config | user and password for SASL_INHERIT |
| schema.registry.bearer.auth.credentials.source, .token | STATIC_TOKEN and the token |
| schema.registry.ssl.* | PEM and PKCS12 stores, by the names of Kafka's ssl.* properties |
| schema.registry.request.timeout.ms, .max.retries | 10000 and 3 |
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from penstock.client_security import jaas_options, tls_context
from penstock.config import ConfigError

PREFIX = "schema.registry."
_PLAIN = frozenset({
    "url", "basic.auth.credentials.source", "basic.auth.user.info", "bearer.auth.credentials.source", "bearer.auth.token", "sasl.jaas.config",
    "request.timeout.ms", "max.retries", "ssl.truststore.type", "ssl.truststore.location", "ssl.truststore.password",
    "ssl.truststore.certificates", "ssl.keystore.type", "ssl.keystore.location", "ssl.keystore.password", "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.key.password", "ssl.endpoint.identification.algorithm",
    "ssl.protocol", "ssl.enabled.protocols",
})


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """urls: where to ask, in this order. headers: of every request. tls: None for plain HTTP only. timeout: seconds."""

    urls: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | None = None
    timeout: float = 10.0
    retries: int = 3


def registry_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """Those properties of a file that are about the schema registry, without the prefixes."""
    found = {}
    for name, value in properties.items():
        plain = name.removeprefix("ksql.")
        if plain.startswith(PREFIX):
            found[plain.removeprefix(PREFIX)] = value
    return found


def parse(given: Mapping[str, str]) -> RegistrySettings | None:
    """The settings; None without an address. ConfigError names the property."""
    for name in given:
        if name not in _PLAIN:
            raise ConfigError(f"{PREFIX}{name} is not supported; supported are {', '.join(PREFIX + n for n in sorted(_PLAIN))}")
    urls = [_url(u.strip()) for u in given.get("url", "").split(",") if u.strip()]
    if not urls:
        if given:
            raise ConfigError(f"{PREFIX}{next(iter(given))} is set but {PREFIX}url is not")
        return None
    headers = _authorization(given, urls[0])
    secure = any(u.startswith("https:") for u in urls)
    stray = next((n for n in given if n.startswith("ssl.")), None)
    if stray and not secure:
        raise ConfigError(f"{PREFIX}{stray} is set but {PREFIX}url is not https")
    return RegistrySettings(tuple(_without_user(u) for u in urls), headers, tls_context(given, _refused, PREFIX) if secure else None,
                            _number(given, "request.timeout.ms", 10_000) / 1000, _number(given, "max.retries", 3))


def _refused(message: str, name: str) -> ConfigError:
    return ConfigError(message)


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not text.isdecimal():
        raise ConfigError(f"{PREFIX}{name} is a whole number, not {text!r}")
    return int(text)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{PREFIX}url {text!r} is not http://HOST:PORT or https://HOST:PORT")
    return text.rstrip("/")


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _authorization(given: Mapping[str, str], url: str) -> dict[str, str]:
    source, bearer = given.get("basic.auth.credentials.source", ""), given.get("bearer.auth.credentials.source", "")
    if bearer:
        token = given.get("bearer.auth.token", "")
        if bearer != "STATIC_TOKEN" or not token:
            raise ConfigError(f"{PREFIX}bearer.auth.credentials.source can be STATIC_TOKEN, with {PREFIX}bearer.auth.token")
        return {"Authorization": f"Bearer {token}"}
    parts = urlsplit(url)
    match source:
        case "USER_INFO":
            user = given.get("basic.auth.user.info", "")
            if ":" not in user:
                raise ConfigError(f"{PREFIX}basic.auth.user.info is user:password")
        case "SASL_INHERIT":
            login = jaas_options(given.get("sasl.jaas.config", ""))
            if not login.keys() >= {"username", "password"}:
                raise ConfigError(f"{PREFIX}sasl.jaas.config needs username and password for SASL_INHERIT")
            user = f"{login['username']}:{login['password']}"
        case "" | "URL":
            if parts.username is None:
                return {}
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        case _:
            raise ConfigError(f"{PREFIX}basic.auth.credentials.source is {source}; it can be URL, USER_INFO or SASL_INHERIT")
    return {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
