"""The root of this package's errors. It stands apart, so that the generated classes and errors.py can both import it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grpc


@dataclass(frozen=True, slots=True)
class ExpressionPlace:
    """Where an expression is wrong: field is its path in the request, node the node's name; start and end count code points."""

    field: str
    node: str
    start: int
    end: int
    message: str


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row of a batch was refused; row counts from 0."""

    row: int
    reason: str
    message: str
    metadata: Mapping[str, str]


class PenstockError(Exception):
    """Anything that the service refuses or that fails on the way to it."""

    reason: str = ""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        expression: ExpressionPlace | None = None,
        row_errors: tuple[RowError, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or type(self).reason
        """Name of the ErrorReason without its prefix; empty when the service gave none."""
        self.code = code
        """gRPC status code."""
        self.metadata = dict(metadata or {})
        """What the reason's documentation names."""
        self.retry_after = retry_after
        """Seconds after which a retry makes sense; None when the service named none."""
        self.expression = expression
        """The place of the mistake, for an expression."""
        self.row_errors = row_errors
        """The refused rows, for an append."""
