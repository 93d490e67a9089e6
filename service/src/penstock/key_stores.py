"""Key stores and trust stores as Kafka's clients know them: PEM and PKCS12. JKS is Java's own; what keytool makes under that name since Java 9 is
PKCS12, and told apart by its first bytes, as Java does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Refuse = Callable[[str, str], Exception]
"""(message, property) -> the caller's error."""

TYPES = ("PEM", "PKCS12")
_JKS = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
"""Of JKS and JCEKS."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key: PEM, the chain behind the certificate. password: of the key, None where it is not encrypted."""

    pem: bytes
    password: str | None


class Stores:
    """The stores that `ssl.*` properties name. prefix: what stands before each name where the user wrote it."""

    def __init__(self, properties: Mapping[str, str], refuse: Refuse, prefix: str = "") -> None:
        self._properties, self._refuse, self._prefix = properties, refuse, prefix

    def trusted(self) -> bytes | None:
        """PEM certificates of the trust store; None without one. Raises OSError, and what refuse makes."""
        if not self._given("ssl.truststore"):
            return None
        if self._type("ssl.truststore") == "PEM":
            return self._pem("ssl.truststore", "ssl.truststore.certificates")
        return b"".join(self._pkcs12("ssl.truststore")[1])

    def identity(self) -> Identity | None:
        """What the key store holds; None without one. Raises as trusted."""
        if not self._given("ssl.keystore"):
            return None
        if self._type("ssl.keystore") == "PKCS12":
            key, certificates = self._pkcs12("ssl.keystore")
            if not key:
                raise self._refusal("ssl.keystore.location", f"{self._properties['ssl.keystore.location']} holds no private key")
            return Identity(key + b"".join(certificates), None)
        password = self._properties.get("ssl.key.password")
        if "ssl.keystore.location" in self._properties:
            return Identity(Path(self._properties["ssl.keystore.location"]).read_bytes(), password)
        chain, key_text = (self._properties.get(f"ssl.keystore.{name}", "") for name in ("certificate.chain", "key"))
        if not chain or not key_text:
            missing = "ssl.keystore.key" if chain else "ssl.keystore.certificate.chain"
            raise self._refuse(f"{self._prefix}ssl.keystore.certificate.chain needs {self._prefix}ssl.keystore.key beside it", missing)
        return Identity(f"{key_text}\n{chain}\n".encode(), password)

    def _given(self, store: str) -> bool:
        return any(name.startswith(store) for name in self._properties)

    def _type(self, store: str) -> str:
        name, location = f"{store}.type", self._properties.get(f"{store}.location")
        kind = self._properties.get(name, "JKS").upper()
        if kind in TYPES:
            return kind
        begin = Path(location).read_bytes()[:4] if location is not None and Path(location).is_file() else b""
        if kind == "JKS" and begin[:1] == b"\x30":
            return "PKCS12"
        if kind == "JKS" and location is not None and begin in _JKS:
            made = Path(location).with_suffix(".p12")
            raise self._refusal(name, f"{location} is a JKS store, which only Java reads: make a PKCS12 one of it by `keytool -importkeystore -srckeystore "
                                f"{location} -destkeystore {made} -deststoretype PKCS12`, and set {self._prefix}{store}.type=PKCS12")
        said = self._properties.get(name, "not set, which means JKS")
        raise self._refusal(name, f"it is {said}; it can be {' or '.join(TYPES)}")

    def _pem(self, store: str, inline: str) -> bytes:
        if text := self._properties.get(inline):
            return text.encode()
        if location := self._properties.get(f"{store}.location"):
            return Path(location).read_bytes()
        raise self._refusal(f"{store}.location", "a PEM store takes a location" + (f", or {self._prefix}{inline}" if inline else ""))

    def _pkcs12(self, store: str) -> tuple[bytes, list[bytes]]:
        """(the key, certificates with that of the key first), PEM."""
        from cryptography.hazmat.primitives import serialization  # late: only few need it
        from cryptography.hazmat.primitives.serialization import pkcs12

        location = self._properties.get(f"{store}.location")
        if location is None:
            raise self._refusal(f"{store}.location", "a PKCS12 store takes a location")
        password = self._properties.get(f"{store}.password")
        try:
            found = pkcs12.load_pkcs12(Path(location).read_bytes(), None if password is None else password.encode())
        except ValueError as error:
            raise self._refusal(f"{store}.location", f"{location} is no PKCS12 store, or {self._prefix}{store}.password is not its password") from error
        pem = serialization.Encoding.PEM
        key = b"" if found.key is None else found.key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        certificates = [*([found.cert] if found.cert is not None else ()), *found.additional_certs]
        if not certificates:
            raise self._refusal(f"{store}.location", f"{location} holds no certificate")
        return key, [c.certificate.public_bytes(pem) for c in certificates]

    def _refusal(self, name: str, why: str) -> Exception:
        return self._refuse(f"{self._prefix}{name}: {why}", name)
