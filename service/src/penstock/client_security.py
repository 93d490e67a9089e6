"""TLS and logins by Kafka's property names, for all that is reached with them: Kafka itself, and a schema registry, whose names have a prefix."""

from __future__ import annotations

import re
import ssl
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

Refuse = Callable[[str, str], Exception]
"""(message, property) -> the caller's error."""

_JAAS_OPTION = re.compile(r"""(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;]+))""")


def jaas_options(text: str) -> dict[str, str]:
    """The `name="value"` of a sasl.jaas.config."""
    return {m[1]: re.sub(r"\\(.)", r"\1", m[2] or m[3] or m[4] or "") for m in _JAAS_OPTION.finditer(text)}


def tls_context(properties: Mapping[str, str], refuse: Refuse, prefix: str = "") -> ssl.SSLContext:
    """From the ssl.* properties, with PEM stores (KIP-651). prefix: what stands before each name where the user wrote it. Raises what refuse
    makes."""
    context = ssl.create_default_context()
    algorithm = properties.get("ssl.endpoint.identification.algorithm", "https")
    if algorithm not in ("", "https"):
        raise refuse(f"{prefix}ssl.endpoint.identification.algorithm is {algorithm}; it can be https or empty", "ssl.endpoint.identification.algorithm")
    context.check_hostname = algorithm == "https"
    for store in ("ssl.truststore", "ssl.keystore"):
        has = any(k.startswith(store) for k in properties)
        if has and (kind := properties.get(f"{store}.type", "")) != "PEM":
            raise refuse(f"{prefix}{store}.type is {kind or 'not set'}; only PEM is supported", f"{store}.type")
    try:
        _trust(context, properties)
        _identity(context, properties, refuse, prefix)
    except (OSError, ssl.SSLError) as error:
        of = f" of {prefix}ssl" if prefix else ""
        raise refuse(f"the TLS settings{of} cannot be used: {error}", "ssl") from error
    return context


def _trust(context: ssl.SSLContext, properties: Mapping[str, str]) -> None:
    if certificates := properties.get("ssl.truststore.certificates"):
        context.load_verify_locations(cadata=certificates)
    elif location := properties.get("ssl.truststore.location"):
        context.load_verify_locations(cafile=location)


def _identity(context: ssl.SSLContext, properties: Mapping[str, str], refuse: Refuse, prefix: str) -> None:
    password = properties.get("ssl.key.password")
    if location := properties.get("ssl.keystore.location"):
        context.load_cert_chain(location, password=password)
    elif chain := properties.get("ssl.keystore.certificate.chain"):
        key = properties.get("ssl.keystore.key")
        if not key:
            raise refuse(f"{prefix}ssl.keystore.certificate.chain needs {prefix}ssl.keystore.key beside it", "ssl.keystore.key")
        with tempfile.TemporaryDirectory() as directory:  # OpenSSL reads identities from files only; the directory is 0700
            path = Path(directory) / "identity.pem"
            path.write_text(f"{key}\n{chain}\n")
            context.load_cert_chain(path, password=password)
