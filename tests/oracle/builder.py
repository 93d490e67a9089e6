"""What a random topology is built with: the nodes so far, what each gives, and choices among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

COLUMNS = (("A", "BIGINT"), ("B", "BIGINT"), ("S", "STRING"))
KEYS = ("a", "b", "c")
STRINGS = ("a", "b", "x", None)
NUMBERS = (0, 1, 2, 3, None)
RELATIONS = ("s1", "s2", "s3", "t1", "t2", "t3", "g1", "h1", "w1")
"""Nodes that are sources. H1 has a column of a header, W1 one that gives the time."""

STEPS_MS = (0, 0, 0, 1, 1, 2, 3, 5, 8, -1, -2, -4, -9, -20, 13, 31)

BOUNDS = ("WINDOWSTART", "WINDOWEND")

Column = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Flow:
    """What a node gives. sources: relations behind it; moved: those with a repartition on some way."""

    name: str
    table: bool
    key: Column
    columns: tuple[Column, ...]
    sources: frozenset[str]
    moved: bool = False
    windowed: bool = False
    ordered: bool = True
    history: int = 0  # ms, of a versioned table

    @property
    def all(self) -> tuple[Column, ...]:
        """Key and value columns."""
        return (self.key, *self.columns)

    def of(self, *types: str) -> list[str]:
        """Names of the columns of some types."""
        return [name for name, kind in self.all if kind in types]

    def readable(self, *types: str) -> list[str]:
        """Names of what an expression can read: columns, and a window's bounds."""
        return self.of(*types) + [name for name in BOUNDS if self.windowed and "BIGINT" in types]


VERSIONED = ("table filter", "table filter not", "table select", "versioned to_table")
"""Operators that may give a versioned table."""


class Cannot(Exception):
    """This operator does not fit here."""


class Builder:
    """Nodes so far, inputs first."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.nodes: dict[str, dict[str, Any]] = {}
        self.operators: dict[str, str] = {}
        self.flows: list[Flow] = []
        self.unordered: set[str] = set()
        self.null_keys = True
        self.clock = False  # whether it goes on

    # -- choosing

    def source(self, table: bool, name: str = "", versioned: bool | None = None) -> Flow:
        """A new or known source; name: this one. versioned: whether a new table is; None for now and then."""
        name = name or self.random.choice(("T1", "T2") if table else ("S1", "S2"))
        known = next((f for f in self.flows if f.name == name.lower()), None)
        if known is not None:
            return known
        self.nodes[name.lower()] = {"table" if table else "stream": name}
        versioned = self.random.random() < 0.25 if versioned is None else versioned
        history = self.history() if table and versioned else 0
        if history:
            self.nodes[name.lower()]["history"] = f"{history}ms"
        made = Flow(name.lower(), table, ("K", "STRING"), COLUMNS, frozenset((name,)), history=history)
        return self._made(made, "versioned table" if history else "source_table" if table else "source_stream")

    def global_table(self) -> Flow:
        """The global table: of a relation that nothing else reads."""
        made = Flow("g1", True, ("K", "STRING"), COLUMNS, frozenset(("G1",)))
        if made.name not in self.nodes:
            self.nodes[made.name] = {"global_table": "G1"}
            self.operators[made.name] = "source_table"
        return made

    def history(self) -> int:
        """How long a versioned table keeps its rows, in ms."""
        return self.random.choice((1, 5, 20, 100))

    def pick(self, wanted: Callable[[Flow], bool]) -> Flow:
        """One of the newer flows that fit."""
        fitting = [f for f in self.flows if wanted(f)]
        if not fitting:
            raise Cannot
        return fitting[-1 - min(int(self.random.expovariate(0.8)), len(fitting) - 1)]

    def stream(self) -> Flow:
        """Any stream."""
        return self._one(lambda f: not f.table, False)

    def table(self) -> Flow:
        """Any table."""
        return self._one(lambda f: f.table, True)

    def plain_stream(self) -> Flow:
        """A stream without windowed keys."""
        return self._one(lambda f: not f.table and not f.windowed, False)

    def plain_table(self) -> Flow:
        """A table without windowed keys."""
        return self._one(lambda f: f.table and not f.windowed, True)

    def any(self) -> Flow:
        """Stream or table."""
        return self.stream() if self.random.random() < 0.5 else self.table()

    def beside(self, first: Flow, table: bool) -> Flow:
        """A second input of the same key type that meets the first in a defined order."""
        fits = [f for f in self.flows if f.table is table and not f.windowed and f.key[1] == first.key[1] and f.name != first.name
                and meet(first, f)]
        if fits and self.random.random() < 0.6:
            return self.random.choice(fits)
        for _ in range(4):
            new = self.source(table)
            if first.key[1] == "STRING" and meet(first, new) and new.name != first.name:
                return new
        if fits:
            return self.random.choice(fits)
        raise Cannot

    def _one(self, wanted: Callable[[Flow], bool], table: bool) -> Flow:
        if self.random.random() < 0.15:
            return self.source(table)
        try:
            return self.pick(wanted)
        except Cannot:
            return self.source(table)

    # -- adding

    def add(self, operator: str, kind: str, body: Any, made: Flow, *inputs: Flow, **beside: Any) -> Flow:
        """A node; `made` gives all of its flow but name, sources, moved and ordered."""
        name = made.name
        self.nodes[name] = {"from": [f.name for f in inputs] if len(inputs) > 1 else inputs[0].name, kind: body, **beside}
        sources = frozenset[str]().union(*(f.sources for f in inputs))
        history = made.history if operator in VERSIONED else 0
        return self._made(replace(made, history=history, sources=sources, moved=made.moved or any(f.moved for f in inputs),
                                  ordered=made.ordered and all(f.ordered for f in inputs)), operator)

    def name(self) -> str:
        """Of the next node."""
        return f"n{len(self.nodes)}"

    def _made(self, flow: Flow, operator: str) -> Flow:
        self.operators[flow.name] = operator
        self.flows.append(flow)
        return flow

    def sink(self, flow: Flow) -> None:
        """The flow's own sink."""
        name = f"{flow.name.replace('.', '_')}_out"
        if name not in self.nodes:
            self.nodes[name] = {"from": flow.name, "sink": name}
            if not flow.ordered:
                self.unordered.add(name)

    # -- expressions

    def condition(self, flow: Flow) -> str:
        """A BOOLEAN expression."""
        numbers, strings = flow.readable("BIGINT"), flow.of("STRING")
        choices = []
        if numbers:
            a, b = self.random.choice(numbers), self.random.choice(numbers)
            choices += [f"{a} < {self.random.choice((1, 2, 3))}", f"{a} = {self.random.choice((0, 1, 2))}", f"{a} + {b} < 4", f"{a} < {b}",
                        f"1 < {a}"]
        if strings:
            s = self.random.choice(strings)
            choices += [f"{s} = '{self.random.choice('abx')}'", f"{s} < 'b'", f"'a' < {s}"]
        return self.random.choice(choices or ["1 = 1"])

    def value(self, flow: Flow) -> tuple[str, str]:
        """Some expression and its type."""
        numbers = flow.readable("BIGINT")
        if numbers and self.random.random() < 0.5:
            a, b = self.random.choice(numbers), self.random.choice(numbers)
            return self.random.choice(((f"{a} + 1", "BIGINT"), (f"{a} + {b}", "BIGINT"), (f"{a} = 1", "BOOLEAN"), ("7", "BIGINT")))
        return self.random.choice(flow.all)


def meet(one: Flow, other: Flow) -> bool:
    """Whether results of both have a defined order: one way of a source, or ways without a repartition."""
    return not (one.sources & other.sources) or not (one.moved or other.moved)


def new_key(b: Builder, flow: Flow) -> tuple[str, str, str]:
    """Name, type, expression."""
    fitting = [c for c in flow.all if c[1] in ("BIGINT", "STRING")]
    if not fitting:
        raise Cannot
    if flow.windowed and b.random.random() < 0.2:
        return f"G{len(b.nodes)}", "BIGINT", b.random.choice(BOUNDS)
    name, kind = b.random.choice(fitting)
    if kind == "BIGINT" and b.random.random() < 0.3:
        return f"G{len(b.nodes)}", kind, f"{name} + 1"
    return name, kind, name


def rekeyed(b: Builder, flow: Flow, key: tuple[str, str, str]) -> Flow:
    rest = tuple(c for c in (*flow.columns, flow.key) if c[0] != key[0])
    return replace(flow, name=b.name(), key=key[:2], columns=rest, moved=True, windowed=False)
