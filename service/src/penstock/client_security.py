"""TLS and logins by Kafka's property names, for all that is reached with them: Kafka itself, and a schema registry, whose names have a prefix."""

from __future__ import annotations

import re
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

from penstock.key_stores import Identity, Refuse, Stores

_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_JAAS_OPTION = re.compile(r"""(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;]+))""")


def jaas_options(text: str) -> dict[str, str]:
    """The `name="value"` of a sasl.jaas.config."""
    return {m[1]: re.sub(r"\\(.)", r"\1", m[2] or m[3] or m[4] or "") for m in _JAAS_OPTION.finditer(text)}


def tls_context(properties: Mapping[str, str], refuse: Refuse, prefix: str = "") -> ssl.SSLContext:
    """From the ssl.* properties, with PEM (KIP-651) and PKCS12 stores. Without a trust store the system's authorities are trusted, with one
    nobody else. prefix: what stands before each name where the user wrote it. Raises what refuse makes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    algorithm = properties.get("ssl.endpoint.identification.algorithm", "https")
    if algorithm not in ("", "https"):
        raise refuse(f"{prefix}ssl.endpoint.identification.algorithm is {algorithm}; it can be https or empty", "ssl.endpoint.identification.algorithm")
    context.check_hostname = algorithm == "https"
    _versions(context, properties, refuse, prefix)
    stores = Stores(properties, refuse, prefix)
    try:
        trusted = stores.trusted()
        if trusted is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cadata=trusted.decode("ascii", "replace"))
        identity = stores.identity()
        if identity is not None:
            _show(context, identity)
    except (OSError, ssl.SSLError) as error:
        of = f" of {prefix}ssl" if prefix else ""
        raise refuse(f"the TLS settings{of} cannot be used: {error}", "ssl") from error
    return context


def _versions(context: ssl.SSLContext, properties: Mapping[str, str], refuse: Refuse, prefix: str) -> None:
    for name in ("ssl.protocol", "ssl.enabled.protocols"):  # the second says more
        given = [v.strip() for v in properties.get(name, "").split(",") if v.strip()]
        unknown = next((v for v in given if v not in _VERSIONS), None)
        if unknown is not None:
            raise refuse(f"{prefix}{name} has {unknown}; it can have {' and '.join(_VERSIONS)}", name)
        if given:
            context.maximum_version = max(_VERSIONS[v] for v in given)
        if given and name == "ssl.enabled.protocols":
            context.minimum_version = min(_VERSIONS[v] for v in given)


def _show(context: ssl.SSLContext, identity: Identity) -> None:
    with tempfile.TemporaryDirectory() as directory:  # OpenSSL reads identities from files only; the directory is 0700
        path = Path(directory) / "identity.pem"
        path.write_bytes(identity.pem)
        context.load_cert_chain(path, password=identity.password if identity.password is not None else _no_password)


def _no_password() -> str:
    """Instead of asking at the terminal."""
    return ""
