"""The node's certificate, key and certificate authorities: PEM files, read anew when they change. Files that do not go together are refused at
the start, and later leave what was there in use."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from penstock.config import ConfigError
from penstock.security.files import Watched

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM bytes. authorities: b"" where none are given."""

    certificate: bytes
    key: bytes
    authorities: bytes


class CertificateFiles:
    """Any thread may ask."""

    def __init__(self, certificate: str, key: str, authorities: str = "") -> None:
        """Reads them. Raises ConfigError."""
        paths = (Path(certificate), Path(key), *([Path(authorities)] if authorities else ()))
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._files = Watched(paths, lambda: _read(paths), f"certificate read anew: {certificate}", "the certificate stays as it was")

    def current(self) -> Certificates:
        """The newest that can be used; the same object as before when nothing has changed. Looks at the disk once a second at most."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= LOOK_SECONDS:
                self._looked = now
                self._files.refresh()
            return self._files.current


def _read(paths: tuple[Path, ...]) -> Certificates:
    found: list[bytes] = []
    for option, path in zip(("--tls-cert", "--tls-key", "--tls-ca"), paths):
        try:
            found.append(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"{option} {path}: it cannot be read: {error.strerror or error}") from error
    server_context(paths[0], paths[1], paths[2] if len(paths) > 2 else None)
    return Certificates(found[0], found[1], found[2] if len(found) > 2 else b"")


def server_context(certificate: Path, key: Path, authorities: Path | None) -> ssl.SSLContext:
    """For a server of Python's own. Raises ConfigError where the files are not PEM or do not go together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigError(f"--tls-cert {certificate} and --tls-key {key} are no PEM certificate with its key, not encrypted: {error}") from error
    if authorities is not None:
        try:
            context.load_verify_locations(authorities)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"--tls-ca {authorities} has no PEM certificates: {error}") from error
    return context
