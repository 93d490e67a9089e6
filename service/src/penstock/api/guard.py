"""What keeps a gateway's listeners: certificates, principals, the audit; opened at the start, looked after every second."""

from __future__ import annotations

import grpc

from penstock.api.audit import open_audit
from penstock.api.authorize import Admission
from penstock.api.tls import RestContext, certificate_files, server_credentials
from penstock.config import ServeConfig
from penstock.security.gate import Gate


class Guard:
    """Raises ConfigError where the files are wrong."""

    def __init__(self, config: ServeConfig) -> None:
        self._config = config
        self._files = certificate_files(config)
        self._shown = self._files.current() if self._files is not None else None
        self.gate = Gate(config) if config.tokens else None
        self.rest = RestContext(config) if config.tls_cert else None
        self.admission = Admission(self.gate, bool(config.tls_client_certificates or config.peer_listen))
        open_audit(config.audit)

    @property
    def client_credentials(self) -> grpc.ServerCredentials | None:
        """Of the listener for clients; None for plain text."""
        return None if self._files is None else server_credentials(self._files, self._config.tls_client_certificates)

    @property
    def peer_credentials(self) -> grpc.ServerCredentials | None:
        """Of the listener for other nodes."""
        return None if self._files is None else server_credentials(self._files, True)

    def refresh(self) -> None:
        """Take over files that have changed."""
        if self.gate is not None:
            self.gate.refresh()
        if self._files is not None and self.rest is not None:
            found = self._files.current()
            if found is not self._shown:
                self._shown = found
                self.rest.refresh()
