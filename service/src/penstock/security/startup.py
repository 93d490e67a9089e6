"""What is looked at before a node starts anything: whether the files that its security stands on can be used."""

from __future__ import annotations

from penstock.config import ServeConfig
from penstock.security.certificates import CertificateFiles
from penstock.security.gate import Gate


def check_files(config: ServeConfig) -> None:
    """Raises ConfigError."""
    if config.tls_cert:
        CertificateFiles(config.tls_cert, config.tls_key, config.tls_ca)
    if config.tokens:
        Gate(config)
