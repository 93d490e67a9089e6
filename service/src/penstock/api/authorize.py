"""The one place where calls are admitted: who calls, and whether the request's needs are among its rights.

A call is looked at when it begins; one that streams again every few seconds, and when who may do what was read anew, so that a
token that ends or a right that is taken away ends it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from penstock.api.needs import Rule
from penstock.errors import RequestError
from penstock.security.gate import Gate
from penstock.security.principal import EVERYBODY, Need, Principal, go_on_for

AGAIN_SECONDS = 5.0
_NAMES = ("x509_subject_alternative_name", "x509_common_name")


class Context(Protocol):
    """What is asked of a call."""

    def invocation_metadata(self) -> Any: ...
    def auth_context(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Admission:
    """gate: None where nobody has to show who he is. certificates: whether a listener asks clients for theirs."""

    gate: Gate | None = None
    certificates: bool = False

    def identify(self, context: Context) -> Principal:
        """Who calls: by the token, else by the client certificate. Raises CREDENTIALS_MISSING, CREDENTIALS_INVALID."""
        if self.gate is None:
            return EVERYBODY
        for key, value in context.invocation_metadata() or ():
            if key == "authorization":
                return self.gate.of_token(value if isinstance(value, str) else value.decode("latin-1"))
        if self.certificates:
            found = context.auth_context()
            names = [name.decode() for key in _NAMES for name in found.get(key, ())]
            if names:
                return self.gate.of_certificate(names)
        raise RequestError("CREDENTIALS_MISSING", "the call has no credentials: send `authorization: Bearer TOKEN`"
                           + (", or a client certificate" if self.certificates else ""))

    def admit(self, context: Context, method: str, rule: Rule, request: Any) -> Principal:
        """The caller, who may do this. Raises also PERMISSION_DENIED."""
        principal = self.identify(context)
        principal.require(rule.needs(request), method)
        return principal


class Watch:
    """Admits a call that lasts, again and again."""

    def __init__(self, admission: Admission, context: Context, method: str, needs: Iterable[Need]) -> None:
        self._admission, self._context, self._method, self._needs = admission, context, method, tuple(needs)
        self._next = time.monotonic() + AGAIN_SECONDS
        self._edition = admission.gate.edition if admission.gate is not None else 0

    def look(self) -> None:
        """Raises what admit raises, when it is time to look."""
        gate = self._admission.gate
        if gate is None or gate.edition == self._edition and time.monotonic() < self._next:
            return
        self._next, self._edition = time.monotonic() + AGAIN_SECONDS, gate.edition
        principal = self._admission.identify(self._context)
        principal.require(self._needs, self._method)
        go_on_for(principal)
