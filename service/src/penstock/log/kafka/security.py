"""Kafka's own property names -> how to connect. What is not understood is refused, never ignored.

bootstrap.servers, security.protocol, sasl.mechanism, sasl.jaas.config, ssl.* with PEM (KIP-651) and PKCS12 stores. client.id and
request.timeout.ms are taken too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.client_security import jaas_options, tls_context
from penstock.errors import RequestError

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_KNOWN = frozenset({
    "bootstrap.servers", "security.protocol", "client.id", "sasl.mechanism", "sasl.jaas.config", "ssl.truststore.type",
    "ssl.truststore.location", "ssl.truststore.password", "ssl.truststore.certificates", "ssl.keystore.type", "ssl.keystore.location",
    "ssl.keystore.password", "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.key.password", "ssl.endpoint.identification.algorithm", "ssl.protocol", "ssl.enabled.protocols",
})
_JAAS_LOGIN = re.compile(r"\s*([\w.]+)\s+required\b(.*?);?\s*$", re.DOTALL)
_LOGIN_CLASSES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}


@dataclass(frozen=True, slots=True)
class Security:
    """bootstrap: addresses to begin with. connection: arguments for aiokafka's connections. properties: what this was parsed from."""

    bootstrap: tuple[tuple[str, int], ...]
    connection: Mapping[str, Any] = field(default_factory=dict, repr=False)
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)


def refused(message: str, key: str) -> RequestError:
    """A Kafka property that cannot be used."""
    return RequestError("INVALID_ARGUMENT", message, {"field": key})


def parse(bootstrap: str, properties: Mapping[str, str]) -> Security:
    """Check the properties. Raises RequestError INVALID_ARGUMENT that names the property."""
    for key in properties:
        if key not in _KNOWN:
            raise refused(f"Kafka property {key} is not supported; supported are {', '.join(sorted(_KNOWN))}", key)
    servers = _servers(bootstrap or properties.get("bootstrap.servers", ""))
    protocol = properties.get("security.protocol", "PLAINTEXT").upper()
    if protocol not in _PROTOCOLS:
        raise refused(f"security.protocol is {protocol}; it can be {', '.join(_PROTOCOLS)}", "security.protocol")
    connection: dict[str, Any] = {"security_protocol": protocol}
    if protocol.startswith("SASL"):
        connection |= _sasl(properties)
    elif stray := next((k for k in properties if k.startswith("sasl.")), None):
        raise refused(f"{stray} is set but security.protocol is {protocol}", stray)
    if protocol.endswith("SSL"):
        connection["ssl_context"] = tls_context(properties, refused)
    elif stray := next((k for k in properties if k.startswith("ssl.")), None):
        raise refused(f"{stray} is set but security.protocol is {protocol}", stray)
    return Security(servers, connection, properties)


def _servers(text: str) -> tuple[tuple[str, int], ...]:
    found = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        host, colon, port = part.rpartition(":")
        if not colon:
            host, port = part, "9092"
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise refused(f"bootstrap.servers has {part!r} where host:port is needed", "bootstrap.servers")
        found.append((host.strip("[]"), int(port)))
    if not found:
        raise refused("bootstrap.servers names no broker", "bootstrap.servers")
    return tuple(found)


def _sasl(properties: Mapping[str, str]) -> dict[str, Any]:
    mechanism = properties.get("sasl.mechanism", "")
    if mechanism not in _MECHANISMS:
        raise refused(f"sasl.mechanism is {mechanism or 'not set'}; supported are {', '.join(_MECHANISMS)}", "sasl.mechanism")
    login = _JAAS_LOGIN.match(properties.get("sasl.jaas.config", ""))
    if login is None or login.group(1) != _LOGIN_CLASSES[mechanism]:
        raise refused(f"sasl.jaas.config must read: {_LOGIN_CLASSES[mechanism]} required username=\"...\" password=\"...\";",
                      "sasl.jaas.config")
    options = jaas_options(login.group(2))
    if "username" not in options or "password" not in options:
        raise refused("sasl.jaas.config needs username and password", "sasl.jaas.config")
    return {"sasl_mechanism": mechanism, "sasl_plain_username": options["username"], "sasl_plain_password": options["password"]}

