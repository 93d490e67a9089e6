"""Processors that are installed: entry points of the group `penstock.processors`, read once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from penstock.errors import RequestError
from penstock.plugins.processor import Processor

GROUP = "penstock.processors"
_added: dict[str, type[Processor]] = {}


@functools.cache
def _points() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def add(name: str, processor: type[Processor]) -> None:
    """Make a processor known in this process, without an entry point: for tests. It hides an installed one of the name."""
    _added[name] = processor


def names() -> list[str]:
    """All names."""
    return sorted({*_points(), *_added})


def processor(name: str) -> type[Processor]:
    """The class of a processor. Raises RequestError: UNKNOWN_PROCESSOR when it is not installed, PLUGIN_FAILED when it cannot be loaded or is
    none."""
    if name in _added:
        return _added[name]
    point = _points().get(name)
    if point is None:
        there = ", ".join(names()) or "none"
        raise RequestError("UNKNOWN_PROCESSOR", f"there is no processor {name}; installed are {there} (entry points of {GROUP})",
                           {"processor": name, "candidates": there})
    try:
        found = point.load()
    except Exception as e:
        raise RequestError("PLUGIN_FAILED", f"processor {name} ({point.value}) cannot be loaded: {type(e).__name__}: {e}", {"processor": name}) from e
    if not (isinstance(found, type) and issubclass(found, Processor)):
        raise RequestError("PLUGIN_FAILED", f"processor {name} ({point.value}) is no subclass of penstock.plugins.Processor", {"processor": name})
    return found
