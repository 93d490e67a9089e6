"""What ListFunctions and GetFunction answer: scalar, aggregate and table functions with their documentation."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from penstock.errors import RequestError
from penstock.expr import aggregates, lambdas
from penstock.expr.functions.registry import Description, descriptions
from penstock.expr.remote import RemoteFunction

_TABLES = (Description("EXPLODE", "TABLE", "tables", "One row for each element of the array.", ("array",), ("(ARRAY<T>) -> T",)),
           Description("CUBE_EXPLODE", "TABLE", "tables", "One row for each combination of the elements and null.", ("array",),
                       ("(ARRAY<T>) -> ARRAY<T>",)))


def list_functions(declared: Iterable[RemoteFunction] = ()) -> list[Description]:
    """All functions by name; declared: those that programs compute."""
    remote = (Description(f.name, "SCALAR", "remote", f.text, (), (f.signature,)) for f in declared)
    return sorted([*descriptions(), *aggregates.descriptions(), *lambdas.DESCRIPTIONS, *_TABLES, *remote], key=lambda d: d.name)


def describe(name: str, declared: Iterable[RemoteFunction] = ()) -> Description:
    """One function, its name in any case; RequestError UNKNOWN_FUNCTION with candidates."""
    known = {d.name: d for d in list_functions(declared)}
    found = known.get(name.upper())
    if found is None:
        close = difflib.get_close_matches(name.upper(), known, n=5, cutoff=0.6)
        raise RequestError("UNKNOWN_FUNCTION", f"there is no function {name}" + (f", did you mean {close[0]}?" if close else ""),
                           {"function": name, "candidates": ",".join(close)})
    return found
