"""Built-in scalar functions: importing this package declares them all."""

from __future__ import annotations

from penstock.expr.functions import conditionals, strings
from penstock.expr.functions.registry import FUNCTIONS, Chosen, Description, Function, Overload, choose, descriptions, scalar

__all__ = ["FUNCTIONS", "Chosen", "Description", "Function", "Overload", "choose", "conditionals", "descriptions", "scalar", "strings"]
