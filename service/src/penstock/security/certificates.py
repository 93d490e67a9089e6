"""The node's certificate, key and certificate authorities: PEM files, read anew when they change. Files that do not go together are refused at
the start, and later leave what was there in use."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from penstock.config import ConfigError
from penstock.security.files import Stamp, stamp

_log = logging.getLogger("penstock.security")

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
        self._paths = (Path(certificate), Path(key), *([Path(authorities)] if authorities else ()))
        self._lock = threading.Lock()
        self._stamp: Stamp = stamp(self._paths)
        self._looked = time.monotonic()
        self._current = self._read()

    def current(self) -> Certificates:
        """The newest that can be used; the same object as before when nothing has changed. Looks at the disk once a second at most."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= LOOK_SECONDS:
                self._looked = now
                self._look()
            return self._current

    def _look(self) -> None:
        found = stamp(self._paths)
        if found == self._stamp:
            return
        self._stamp = found
        try:
            self._current = self._read()
        except ConfigError as error:
            _log.warning("the certificate stays as it was: %s", error)
        else:
            _log.info("certificate read anew: %s", self._paths[0])

    def _read(self) -> Certificates:
        for option, path in zip(("--tls-cert", "--tls-key", "--tls-ca"), self._paths):
            try:
                path.read_bytes()
            except OSError as error:
                raise ConfigError(f"{option} {path}: it cannot be read: {error.strerror or error}") from error
        certificate, key, *authorities = self._paths
        server_context(certificate, key, authorities[0] if authorities else None)
        return Certificates(certificate.read_bytes(), key.read_bytes(), authorities[0].read_bytes() if authorities else b"")


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
