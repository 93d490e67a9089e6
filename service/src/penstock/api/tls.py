"""TLS of the gateway's listeners: certificates are looked at for each handshake, so that new files are shown to new connections, and those that
are open go on."""

from __future__ import annotations

from pathlib import Path

import grpc

from penstock.config import ServeConfig
from penstock.security.certificates import CertificateFiles, Certificates, server_context


def certificate_files(config: ServeConfig) -> CertificateFiles | None:
    """The node's; None for plain text. Raises ConfigError."""
    return CertificateFiles(config.tls_cert, config.tls_key, config.tls_ca) if config.tls_cert else None


def server_credentials(files: CertificateFiles, require_client: bool) -> grpc.ServerCredentials:
    """For one port. require_client: a handshake without a certificate of the authorities fails."""
    shown = files.current()

    def newer() -> grpc.ServerCertificateConfiguration | None:
        """Called by the core for each handshake."""
        nonlocal shown
        found = files.current()
        if found is shown:
            return None
        shown = found
        return _configuration(found, require_client)

    return grpc.dynamic_ssl_server_credentials(_configuration(shown, require_client), newer, require_client)  # type: ignore[arg-type] # None: as before


def _configuration(of: Certificates, require_client: bool) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(of.key, of.certificate)], root_certificates=of.authorities if require_client else None)


class RestContext:
    """TLS of the schema registry's listener."""

    def __init__(self, config: ServeConfig) -> None:
        """Raises ConfigError."""
        self._certificate, self._key = Path(config.tls_cert), Path(config.tls_key)
        self.context = server_context(self._certificate, self._key, None)

    def refresh(self) -> None:
        """Show what the files hold now; what was checked by CertificateFiles already."""
        self.context.load_cert_chain(self._certificate, self._key)


