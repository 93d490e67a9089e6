"""The trace context of the application's OpenTelemetry, for the metadata of calls."""

from __future__ import annotations

import sys


def trace_context() -> list[tuple[str, str]]:
    """What the application's propagators say of the current context, such as `traceparent`; nothing where it does not use the package opentelemetry-api."""
    if "opentelemetry.trace" not in sys.modules:
        return []
    from opentelemetry import propagate  # late: only an application that traces has it

    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return list(carrier.items())
