"""How functions of users are declared, described and refused."""

from __future__ import annotations

from typing import Any

import pytest
from penstock.errors import RequestError
from penstock.expr.catalog import describe
from penstock.plugins import functions
from penstock.plugins.functions import Aggregation, add, aggregate_function, scalar_function, table_function


def test_installed_functions_are_described(caplog: pytest.LogCaptureFixture) -> None:
    functions.install.cache_clear()
    for name in ("INITIALS", "OR_ELSE", "WORDS_OF"):
        functions.FUNCTIONS.pop(name, None)
    for name in ("PRODUCT", "LONGEST_OF"):
        functions.aggregates.NAMES.pop(name, None)
        functions.aggregates._DESCRIPTIONS.pop(name, None)
    functions.install()
    assert [(describe(n).kind, describe(n).signatures) for n in ("initials", "WORDS_OF", "PRODUCT", "LONGEST_OF")] == [
        ("SCALAR", ("(STRING) -> STRING",)), ("TABLE", ("(STRING) -> ARRAY<STRING>", "(STRING, INT) -> ARRAY<STRING>")),
        ("AGGREGATE", ("(DOUBLE) -> DOUBLE", "(BIGINT) -> DOUBLE")), ("AGGREGATE", ("(STRING, BIGINT) -> STRING",))]
    found = describe("INITIALS")
    assert (found.text, found.arguments, found.category) == ("The first letter of each word.", ("name",), "penstock_test_functions")
    assert "functions of gone (penstock_test_nothing) cannot be installed: ModuleNotFoundError" in caplog.text


class Plain(Aggregation):
    state = {"n": 0}


class Odd(Aggregation):
    state = {"n": object()}


def named(name: str, *signatures: str) -> Any:
    @scalar_function(name, *signatures)
    def function(value: object) -> object:
        return value

    return function


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (named("lower", "INT -> INT"), "upper case"),
        (named("LEN", "STRING -> INT"), "there is a function of this name"),
        (named("SUM", "INT -> INT"), "there is a function of this name"),
        (named("NEW_ONE", "NUMBER -> INT"), "NUMBER"),
        (table_function("NEW_ONE", "STRING -> STRING")(lambda text: text), "gives an ARRAY"),
        (aggregate_function("NEW_ONE", "INT -> INT")(lambda value: value), "subclass of Aggregation"),
        (aggregate_function("NEW_ONE")(type("A", (Plain,), {})), "needs signatures"),
        (aggregate_function("NEW_ONE", "INT -> INT", "INT, INT -> INT")(type("B", (Plain,), {})), "equal numbers"),
        (aggregate_function("NEW_ONE", "INT -> INT")(type("C", (Odd,), {})), "plain value"),
    ],
)
def test_what_is_no_function(made: Any, why: str) -> None:
    with pytest.raises(RequestError, match=why) as refused:
        add(made)
    assert refused.value.reason == "PLUGIN_FAILED" and "NEW_ONE" not in functions.FUNCTIONS
