"""The gateway's metrics: sources over totals that the parts keep anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from penstock import metrics
from penstock.api.host import Host
from penstock.metrics import Labels

LOOKUPS = {"Get": "get", "BatchGet": "batch_get", "Scan": "scan"}


def watch(host: Host) -> Callable[[], None]:
    """Let exporters read this gateway; the answer ends it."""
    ends = [
        metrics.watch(metrics.CALLS, lambda: _calls(host)),
        metrics.watch(metrics.CALL_SECONDS, lambda: [(s.seconds, {"method": m}) for m, s in host.calls.stats.items()]),
        metrics.watch(metrics.LOOKUPS, lambda: _lookups(host)),
        metrics.watch(metrics.SUBSCRIPTIONS, lambda: [(float(host.parts.hub.count if host.parts else 0), {})]),
        metrics.watch(metrics.PUSHED, lambda: [(float(host.parts.hub.rows if host.parts else 0), {})]),
        metrics.watch(metrics.APPENDED, lambda: [(float(host.parts.appender.rows if host.parts else 0), {})]),
        metrics.watch_tasks(lambda: host.parts.gateway.board.tasks() if host.parts else ()),
    ]

    def stop() -> None:
        for end in ends:
            end()

    return stop


def _calls(host: Host) -> Iterable[tuple[float, Labels]]:
    for method, stats in host.calls.stats.items():
        yield float(stats.calls - stats.failed), {"method": method, "code": "OK"}
        yield float(stats.failed), {"method": method, "code": "FAILED"}


def _lookups(host: Host) -> Iterable[tuple[float, Labels]]:
    for method, stats in host.calls.stats.items():
        service, _, name = method.rpartition("/")
        if service.endswith("LookupService"):
            yield float(stats.calls), {"kind": LOOKUPS[name]}
