"""Expressions as Python functions over a tuple of column values: for lookups, subscriptions and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.expr.code import Code, Env, Module, indent
from penstock.expr.emit import emit_condition, emit_value
from penstock.expr.tree import columns_of
from penstock.expr.typed import Expr

Report = Callable[[Exception], None]


def ignore(error: Exception) -> None:
    """The default report: the value is null (or the condition false), and that is all the caller sees."""


def compile_expression(expr: Expr, columns: Sequence[str], parameters: Mapping[str, object] | None = None,
                       report: Report = ignore) -> Callable[[Sequence[Any]], Any]:
    """A function of a row, whose values stand in the order of `columns`, that gives the expression's value."""
    return _function(expr, columns, parameters, report, emit_value)


def compile_condition(expr: Expr, columns: Sequence[str], parameters: Mapping[str, object] | None = None,
                      report: Report = ignore) -> Callable[[Sequence[Any]], bool]:
    """A function of a row that says whether the condition holds; null and errors are False."""
    evaluate = _function(expr, columns, parameters, report, emit_condition)
    return lambda row: bool(evaluate(row))


def source_of(expr: Expr, columns: Sequence[str], parameters: Mapping[str, object] | None = None) -> str:
    """The generated Python, to be read."""
    return _source(expr, columns, parameters, emit_value)[1]


def _source(expr: Expr, columns: Sequence[str], parameters: Mapping[str, object] | None,
            emit: Callable[[Expr, Env], Code]) -> tuple[Module, str]:
    module = Module()
    used = {name for _, name in columns_of(expr)}
    row, report, function = module.fresh("row"), module.fresh("report"), module.fresh("expression")
    names = {name: module.fresh(name) for name in columns if name in used}
    lines, value = emit(expr, Env(module, (names,), report, parameters or {}))
    loads = [f"{names[name]} = {row}[{index}]" for index, name in enumerate(columns) if name in used]
    return module, "\n".join([f"def {function}({row}):", *indent([*loads, *lines, f"return {value}"])]) + "\n"


def _function(expr: Expr, columns: Sequence[str], parameters: Mapping[str, object] | None, report: Report,
              emit: Callable[[Expr, Env], Code]) -> Callable[[Sequence[Any]], Any]:
    module, source = _source(expr, columns, parameters, emit)
    space: dict[str, Any] = {**module.globals, "report": report}
    exec(compile(source, "<expression>", "exec"), space)
    evaluate: Callable[[Sequence[Any]], Any] = space["expression"]
    return evaluate
