"""Functions as users write them, installed for the tests by the entry points beside this file."""

from __future__ import annotations

from typing import Any

from penstock.plugins.functions import Aggregation, aggregate_function, scalar_function, table_function


@scalar_function("INITIALS", "STRING -> STRING", text="The first letter of each word.", arguments=("name",))
def initials(name: str) -> str:
    return "".join(word[0] for word in name.split(" "))


@scalar_function("OR_ELSE", "T, T -> =0", text="The first that is not null.", nulls=True)
def or_else(first: Any, second: Any) -> Any:
    return second if first is None else first


@table_function("WORDS_OF", "STRING -> ARRAY<STRING>", "STRING, INT -> ARRAY<STRING>", text="A row for each word, of at least so many letters.",
                arguments=("text", "letters"))
def words_of(text: str, letters: int = 0) -> list[str]:
    return [word for word in text.split() if len(word) >= letters]


@aggregate_function("PRODUCT", "DOUBLE -> DOUBLE", "BIGINT -> DOUBLE", text="The product of the values.")
class Product(Aggregation):
    state = {"product": 1.0, "zeros": 0}

    def add(self, state: Any, value: Any) -> Any:
        return state[0] * (value or 1.0), state[1] + (value == 0)

    def undo(self, state: Any, value: Any) -> Any:
        return state[0] / (value or 1.0), state[1] - (value == 0)

    def merge(self, state: Any, other: Any) -> Any:
        return state[0] * other[0], state[1] + other[1]

    def value(self, state: Any) -> float:
        return 0.0 if state[1] else float(state[0])


@aggregate_function("LONGEST_OF", "STRING, BIGINT -> STRING", text="The text with the largest number.", arguments=("text", "number"), nulls=True)
class LongestOf(Aggregation):
    state = {"text": None, "number": -1}

    def add(self, state: Any, text: Any, number: Any) -> Any:
        return (text, number) if number is not None and number > state[1] else state

    def value(self, state: Any) -> Any:
        return state[0]
