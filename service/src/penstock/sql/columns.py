"""The columns that a query's expressions may name: which source each belongs to, and what it is called inside the topology."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from penstock.expr import ast
from penstock.expr.analyze import analyze
from penstock.expr.ast import Ast
from penstock.expr.remote import RemoteFunction
from penstock.expr.scope import Scope
from penstock.plan.relations import RelationInfo
from penstock.sql.faults import folded, refuse
from penstock.sql.text import Hook, rewrite, write
from penstock.types import sqltype as t
from penstock.types.sqltype import SqlType, quoted

PLACES = ("ROWPARTITION", "ROWOFFSET")
PSEUDO = ("ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND")


@dataclass(frozen=True, slots=True)
class From:
    """One source of a query. alias is how expressions name it, node its node in the topology."""

    alias: str
    info: RelationInfo
    node: str

    _types: dict[str, SqlType] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pseudo = {"ROWTIME": t.BIGINT, "ROWPARTITION": t.INT, "ROWOFFSET": t.BIGINT}
        if self.info.window is not None:
            pseudo |= {"WINDOWSTART": t.BIGINT, "WINDOWEND": t.BIGINT}
        object.__setattr__(self, "_types", {c.name: c.type for c in self.info.schema} | pseudo)

    def types(self) -> dict[str, SqlType]:
        """Declared columns, then pseudo columns; not to be changed."""
        return self._types


@dataclass(frozen=True, slots=True)
class Columns:
    """All sources of a query in order. Behind a join each column is called ALIAS_COLUMN. synthetic: the name of a
    join's key that is no column of a source, ROWKEY. places: where records came from stands in columns, KSQL_ROWOFFSET, since a new key
    loses it. functions: what expressions may call that programs compute."""

    sources: tuple[From, ...]
    synthetic: str = ""
    places: bool = False
    functions: Mapping[str, RemoteFunction] = field(default_factory=dict)

    _by_alias: dict[str, tuple[From]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_alias", {s.alias: (s,) for s in self.sources})

    @property
    def joined(self) -> bool:
        """Whether there are several sources."""
        return len(self.sources) > 1

    def inner(self, source: From, column: str) -> str:
        """The name in the topology."""
        if self.joined and column != self.synthetic:
            return f"{source.alias}_{column}"
        return f"KSQL_{column}" if self.places and column in PLACES else column

    def outer(self, source: From, column: str) -> str:
        """The name of a result column without alias."""
        if not self.joined or column == self.synthetic:
            return column
        shared = column in PSEUDO or sum(column in s.types() for s in self.sources) > 1
        return f"{source.alias}_{column}" if shared else column

    def find(self, name: ast.Name, clause: str = "SELECT") -> tuple[From, str]:
        """The source and the exact column."""
        *qualifier, ident = name.parts
        column = folded(ident)
        sources: tuple[From, ...] = self.sources
        if qualifier:
            wanted = folded(qualifier[0])
            sources = self._by_alias.get(wanted, ())
            if not sources:
                raise refuse(f"'{wanted}' is not a valid stream/table name or alias.", name, "UNKNOWN_COLUMN", column=wanted)
        found = [s for s in sources if column in s.types()]
        if len(found) > 1:
            raise refuse(f"Column '{column}' is ambiguous. Could be any of: {', '.join(f'{s.alias}.{column}' for s in found)}", name)
        if not found and column == self.synthetic and not qualifier:
            return sources[0], column
        if not found:
            raise refuse(f"{clause} column '{column}' cannot be resolved.", name, "UNKNOWN_COLUMN", column=column)
        return found[0], column

    def every(self, source: str = "", partitioned: bool = False) -> Iterator[tuple[From, str]]:
        """Columns that `*` or `source.*` stands for; in a join the bounds of windowed keys too. partitioned: behind a PARTITION BY, where old
        keys come last; in a join too, pseudo columns before them."""
        for one in self.sources:
            if source and one.alias != source:
                continue
            keys = [c.name for c in one.info.schema.key]
            rest = [c.name for c in one.info.schema if c.name not in keys]
            pseudo = [p for p in one.types() if p in PSEUDO] if partitioned and self.joined else []
            bounds = [p for p in one.types() if p in ("WINDOWSTART", "WINDOWEND")] if self.joined else []
            yield from ((one, name) for name in ([*rest, *pseudo, *keys] if partitioned else [*keys, *bounds, *rest]))

    def inside(self, clause: str = "SELECT") -> Hook:
        """What gives columns their inner names."""

        def hook(part: Ast, _inside: frozenset[str]) -> str | None:
            return quoted(self.inner(*self.find(part, clause))) if isinstance(part, ast.Name) else None

        return hook

    def canonical(self, tree: Ast, clause: str = "SELECT") -> str:
        """Text by which equal expressions are told, with inner names."""
        return write(tree, self.inside(clause))

    def type_of(self, tree: Ast) -> SqlType | None:
        """The type of an expression; ExpressionError with the place in the statement."""
        return analyze(rewrite(tree, self.inside()), self.scope()).type

    def scope(self) -> Scope:
        """For typing expressions with inner names."""
        return Scope((("", {self.inner(s, c): kind for s in self.sources for c, kind in s.types().items()}),), functions=self.functions)
