"""Built-in scalar functions: importing this package declares them all. One module a family; registry.py says how to add one."""

from __future__ import annotations

from penstock.expr.functions import (
    arrays,
    clocks,
    conditionals,
    encodings,
    formatted,
    geo,
    json_text,
    masks,
    numbers,
    patterns,
    shifts,
    strings,
    urls,
)
from penstock.expr.functions.registry import FUNCTIONS, Chosen, Description, Function, Overload, choose, scalar

FAMILIES = (arrays, clocks, conditionals, encodings, formatted, geo, json_text, masks, numbers, patterns, shifts, strings, urls)
"""Every module that declares functions."""

__all__ = ["FAMILIES", "FUNCTIONS", "Chosen", "Description", "Function", "Overload", "choose", "scalar"]
