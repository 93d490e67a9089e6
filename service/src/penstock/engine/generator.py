"""The code generator: walks a sub-topology depth first from its sources and lets each operator contribute its lines.

A piece of code is a list of unindented statements. Every operator begins its lines with a comment `# node: what`; the program finds
the node to blame for a failure by that comment, so no variable has to be kept up to date while records are processed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from penstock.engine.failure import Failures
from penstock.engine.graph import Edge, Graph, producer
from penstock.engine.port import Bindings, Held
from penstock.engine.processors.calls import CallHost
from penstock.engine.processors.host import ProcessorHost
from penstock.engine.processors.remote import RemoteHost
from penstock.engine.processors.schedules import Schedules
from penstock.engine.rows import ALWAYS, NEVER, Change, KeyForm, Row
from penstock.expr.code import Code, Env, Module, indent
from penstock.expr.emit import emit_condition, emit_strict, emit_value
from penstock.expr.tree import columns_of
from penstock.expr.typed import ColumnRef, Expr
from penstock.formats.registry import reader, writer
from penstock.plan import nodes as n
from penstock.plan.resolved import Settings, Updates
from penstock.plan.sql_text import to_sql
from penstock.state.port import Store
from penstock.types.schema import Column

Lines = list[str]

RECORDS = ".records"
"""The name under which the time of a task's records is kept; no node has it."""

COMMENT = 90
"""Characters that a comment shows of what a node does."""

MISSING = object()
"""Not in the cache, in contrast to None: known to be absent."""

LOCALS = ("seen", "r", "records", "key", "value", "ts", "headers", "error", "old", "new", "at", "deadline", "window_start", "window_end", "row", "until", "_")
"""Names that operators use as they are."""

IN_ORDER = (n.GroupBy, n.TableTableJoin, n.ForeignKeySend, n.ForeignKeySubscribe)
"""What passes over the changes of a versioned table's history (KIP-914)."""

DEEPEST = 12
"""Inlined nodes on one path before a function of its own is begun: keeps indentation readable and within Python's limits."""


@dataclass(frozen=True, slots=True)
class StoreNames:
    """Global names of a store's hot path."""

    cache: str
    get: str
    dirty: str
    load: str


class Generator:
    """State of one generation. Operators call it; it calls them."""

    def __init__(self, graph: Graph, settings: Settings, bindings: Bindings) -> None:
        self.graph = graph
        self.bindings = bindings
        self.every = settings.updates is Updates.EVERY
        self.module = Module()
        self.functions: list[Lines] = []
        self.state: Lines = []  # initial values of globals that generated code assigns
        self.globals_set: list[str] = []
        self.flushes: list[tuple[str, str]] = []  # (aggregate's node, function) in topological order
        self.times: dict[str, str] = {}  # windowed node -> global with its stream time
        self.waiting: dict[str, str] = {}  # node that sends on later, by the times of rows -> global with what waits
        self.closes: dict[str, str] = {}  # such a node -> function that sends it on
        self.samples: dict[str, tuple[str, str]] = {}  # node that shows rows -> (global that says whether this chunk has one to show, function)
        self.made: dict[str, object] = {}  # what an operator made at its first call, by node
        self.held: dict[str, Held] = {}  # state outside of generated code, by the name under which its scalar is kept
        self.pending: dict[str, str] = {}  # aggregate -> global with its groups to send on
        self.failures = Failures(bindings.partition, bindings.bad)
        self.failed = self.failures.failed
        self.hosts: dict[str, ProcessorHost | RemoteHost | CallHost] = {}  # plug-ins and what stands for programs elsewhere, by node
        self.sends: dict[str, str] = {}  # a plug-in's output -> function of what is behind it
        self.saved: dict[str, int] = {}  # scalars as the last commit kept them, of what is made only when plug-ins start
        self.stream, self.wall = Schedules(self.saved), Schedules({})
        self._records_time = self.cell("records_time", "-1") if any(isinstance(node, n.Processor) for node in graph.sub.nodes) else ""
        if self._records_time:
            self.times[RECORDS] = self._records_time
        for taken in LOCALS:
            self.module.fresh(taken)
        self._nothing = ""
        self._depth = 0
        self._stores: dict[str, StoreNames] = {}
        self._outside: dict[tuple[str, str], str] = {}
        self._reports: dict[str, str] = {}

    # -- names --------------------------------------------------------------------------------------------------------------------

    def name(self, hint: str) -> str:
        """A fresh name."""
        return self.module.fresh(hint)

    def bind(self, value: object, hint: str) -> str:
        """A global for an object."""
        return self.module.bind(value, hint)

    def cell(self, hint: str, initial: str) -> str:
        """A global that generated functions assign."""
        name = self.name(hint)
        self.state.append(f"{name} = {initial}")
        self.globals_set.append(name)
        return name

    def store(self, name: str) -> StoreNames:
        """Names of a store's cache, dirty keys and load."""
        if name not in self._stores:
            store: Store = self.bindings.stores[name]
            self._stores[name] = StoreNames(
                cache=self.bind(store.cache, f"{name}_cache"), get=self.bind(store.cache.get, f"{name}_get"),
                dirty=self.bind(store.dirty, f"{name}_dirty"), load=self.bind(store.load, f"{name}_load"))
        return self._stores[name]

    def missing(self) -> str:
        """Name of the sentinel."""
        return self.bind(MISSING, "MISSING")

    # -- expressions --------------------------------------------------------------------------------------------------------------

    def env(self, node: n.Node, *rows: Row) -> Env:
        """Environment of a node's expressions over its input rows."""
        report = self._reports.get(node.name)
        if report is None:
            notify = self.bindings.expression_error
            report = self.bind(lambda exc, name=node.name: notify(name, exc), f"error_in_{node.name}")
            self._reports[node.name] = report
        return Env(self.module, tuple(row.columns for row in rows), report)

    def value(self, node: n.Node, expr: Expr, name: str, *rows: Row) -> tuple[Lines, str]:
        """Lines, and the variable or plain column that holds the expression's value."""
        if isinstance(expr, ColumnRef):
            return [], rows[expr.source].columns[expr.name]
        code = emit_value(expr, self.env(node, *rows))
        if code.value.isidentifier() or code.value in ("None", "True", "False"):
            return list(code.lines), code.value
        variable = self.name(name)
        return [*code.lines, f"{variable} = {code.value}"], variable

    def strict(self, node: n.Node, expr: Expr, *rows: Row) -> Code:
        """The value; an expression that fails raises, so that the record is blamed."""
        return emit_strict(expr, self.env(node, *rows))

    def condition(self, node: n.Node, expr: Expr, row: Row) -> Code:
        """The condition; its value is an expression that is true or false."""
        return emit_condition(expr, self.env(node, row))

    def projections(self, node: n.Node, columns: Sequence[n.Projection], wanted: frozenset[str], *rows: Row) -> tuple[Lines, dict[str, str]]:
        """Lines and variables of the wanted columns."""
        lines: Lines = []
        found: dict[str, str] = {}
        for column in columns:
            if column.name in wanted:
                more, found[column.name] = self.value(node, column.expr, column.name, *rows)
                lines += more
        return lines, found

    # -- bytes --------------------------------------------------------------------------------------------------------------------

    def decode(self, fmt: n.Format, columns: Sequence[Column], part: str, data: str, wanted: frozenset[str] | set[str]
               ) -> tuple[Lines, dict[str, str]]:
        """Lines that read the wanted columns out of the bytes in variable `data`, and their variables."""
        needed = [c.name for c in columns if c.name in wanted]
        if not needed:
            return [], {}
        targets = {name: self.name(name) for name in needed}
        code = reader(fmt, tuple(columns), "key" if part == "key" else "value").code(self.module, data, needed, targets)
        return list(code), targets

    def encode(self, fmt: n.Format, columns: Sequence[Column], part: str, variables: Sequence[str]) -> Code:
        """The bytes of a key or value from variables."""
        return writer(fmt, tuple(columns), "key" if part == "key" else "value").code(self.module, variables)

    def key_columns(self, fmt: n.Format, columns: Sequence[Column], key: str, window_bytes: int, wanted: frozenset[str]
                    ) -> tuple[Lines, dict[str, str]]:
        """Wanted key columns out of key bytes that are not None; window_bytes: what its window adds at their end."""
        if not window_bytes or not any(c.name in wanted for c in columns):
            return self.decode(fmt, columns, "key", key, wanted)
        inner = self.name("inner_key")
        lines, found = self.decode(fmt, columns, "key", inner, wanted)
        return [f"{inner} = {key}[:-{window_bytes}]", *lines], found

    def key_bytes(self, row: Row, source: n.Node, form: KeyForm, canonical: bool = True) -> tuple[Lines, str]:
        """The row's key in a given form: its own bytes where they will do, else serialised from the key columns. None for a null key."""
        if not form.types:
            return [], self.nothing()
        if row.key and row.form is not None and row.form.same_bytes(form) and (row.form.canonical or not canonical):
            return [], row.key
        if not source.schema.key:
            return [], self.nothing()
        code = self.encode(form.format, source.schema.key, "key", [row.columns[c.name] for c in source.schema.key])
        key = self.name("new_key")
        lines = [*code.lines, f"{key} = {code.value}"]
        if row.key:  # a null key stays one, however many columns it has
            lines = [f"if {row.key} is None:", f"    {key} = None", "else:", *indent(lines)]
        if form.window_bytes:
            end = f"{row.window_end}.to_bytes(8, 'big') + " if form.window_bytes == 16 else ""
            lines += [f"if {key} is not None:", f"    {key} += {end}{row.window_start}.to_bytes(8, 'big')"]
        return lines, key

    def nothing(self) -> str:
        """A global that is None, where a literal None would make Python warn of what is done with it."""
        if not self._nothing:
            self._nothing = self.name("nothing")
            self.state.append(f"{self._nothing} = None")
        return self._nothing

    # -- walking ------------------------------------------------------------------------------------------------------------------

    def rows(self, ref: str, row: Row) -> Lines:
        """What all consumers of a stream output do with a row."""
        return [line for edge in self.graph.consumers.get(ref, ()) for line in self._row(edge, row)]

    def outlined_split(self, ref: str, row: Row) -> Lines:
        """As split, likewise."""
        depth, self._depth = self._depth, 0
        lines = self.split(ref, row)
        self._depth = depth
        return lines

    def records_time(self) -> int:
        """The newest time of the task's records, for plug-ins."""
        found = self.module.globals[self._records_time]
        assert isinstance(found, int)
        return found

    def seen(self) -> Lines:
        """Lines of a source for a record that was read and whose time is `ts`."""
        return ["seen = ts"] if self._records_time else []

    def punctuated(self, body: Lines) -> Lines:
        """A record's lines with what follows each of them where there are plug-ins: stream time, and punctuations that it has reached."""
        time = self._records_time
        if not time:
            return body
        stream = self.bind(self.stream, "stream_punctuations")
        return ["seen = -1", *body, "finally:", f"    if seen > {time}:", f"        {time} = seen",
                f"    if {stream}.next <= {time}:", f"        {stream}.fire({time})"]

    def outlined(self, ref: str, row: Row) -> Lines:
        """As rows, for the body of a function of its own."""
        return self.outlined_lines(lambda: self.rows(ref, row))

    def outlined_lines(self, made: Callable[[], Lines]) -> Lines:
        """Lines for the body of a function of its own."""
        depth, self._depth = self._depth, 0
        lines = made()
        self._depth = depth
        return lines

    def changes(self, ref: str, change: Change, only: Callable[[Edge], bool] = lambda edge: True) -> Lines:
        """What the consumers of a table (only: some of them) do with a change."""
        from penstock.engine.operators import OPERATORS

        lines: Lines = []
        for edge in filter(only, self.graph.consumers.get(ref, ())):
            if change.newest == ALWAYS or not isinstance(edge.node, IN_ORDER):
                lines += OPERATORS[type(edge.node)].on_change(self, edge, change)
            elif present := OPERATORS[type(edge.node)].on_change(self, edge, replace(change, newest=ALWAYS)):
                late = self.bind(self.bindings.late, "late")
                lines += [f"if {change.newest}:", *indent(present), "else:", f"    {late}({edge.node.name!r})"]
        return lines

    def split(self, ref: str, row: Row) -> Lines:
        """As rows, for a row of a table that may be absent: streams treat a record with a null value in code of its own. It has no value
        columns, whatever their variables hold of a row that a filter left out."""
        if row.present == ALWAYS:
            return self.rows(ref, row)
        values = {c.name for c in self.graph.by_name[ref].schema.value}
        bare = row.with_columns({name: var for name, var in row.columns.items() if name not in values}).only_if(NEVER)
        if row.present == NEVER:
            return self.rows(ref, bare)
        there, gone = self.rows(ref, row.only_if(ALWAYS)), self.rows(ref, bare)
        lines: Lines = []
        if there:
            lines += [f"if {row.present}:", *indent(there)]
        if gone:
            lines += ["else:" if there else f"if not {row.present}:", *indent(gone)]
        return lines

    def _row(self, edge: Edge, row: Row) -> Lines:
        from penstock.engine.operators import OPERATORS

        merges = isinstance(edge.node, n.Merge)
        if merges or self._depth >= DEEPEST:
            return self._outside_call(edge, row)
        self._depth += 1
        try:
            return OPERATORS[type(edge.node)].on_row(self, edge, row)
        finally:
            self._depth -= 1

    def _outside_call(self, edge: Edge, row: Row) -> Lines:
        """Call of a function that holds the consumer's code, made at the first call: for nodes with several inputs, and deep chains."""
        merges = isinstance(edge.node, n.Merge)
        source = self.graph.by_name[producer(edge.node.inputs[edge.index])]
        own = {theirs: mine for mine, theirs in self._own_names(edge, source).items()} if merges else {}
        named = {own.get(name, name): row.columns.get(name, "None") for name in self._demand(edge)}  # absent: of a null value
        order = sorted(named)
        form = self.graph.form(edge.node) if merges else row.form
        kept = form is not None and bool(row.key)
        variant = "there" if row.present == ALWAYS else "gone"
        place = (edge.node.name if merges else f"{edge.node.name}#{edge.index}", variant)
        if place not in self._outside:
            function = self.name(edge.node.name if variant == "there" else f"{edge.node.name}_null")
            made = self._make_function(edge, function, order, replace(row, form=form, key="key" if kept else ""))
            self._outside[place] = function if made else ""
        if not self._outside[place]:
            return []
        window = [row.window_start or "None", row.window_end or "None"]
        values = [row.key if kept else "None", row.ts, row.headers, row.record, *window, *(named[c] for c in order)]
        return [f"{self._outside[place]}({', '.join(values)})"]

    def _own_names(self, edge: Edge, source: n.Node) -> dict[str, str]:
        return {own.name: theirs.name for own, theirs in zip(edge.node.schema.columns, source.schema.columns, strict=True)}

    def _demand(self, edge: Edge) -> set[str]:
        from penstock.engine.operators import OPERATORS

        return set(OPERATORS[type(edge.node)].demand(self.graph, edge.node, edge.index))

    def _make_function(self, edge: Edge, function: str, order: Sequence[str], row: Row) -> bool:
        """Whether there is anything to do in it."""
        from penstock.engine.operators import OPERATORS

        variables = {name: self.name(name) for name in order}
        inner = replace(row, columns=variables, ts="ts", headers="headers", record="r",
                        window_start="window_start" if row.window_start else "", window_end="window_end" if row.window_end else "")
        depth, self._depth = self._depth, 0
        body = OPERATORS[type(edge.node)].on_row(self, edge, inner)
        self._depth = depth
        if body:
            parameters = ", ".join(["key", "ts", "headers", "r", "window_start", "window_end", *variables.values()])
            self.functions.append([f"def {function}({parameters}):", *indent([*self.global_line(), *body])])
        return bool(body)

    def global_line(self) -> Lines:
        """Placeholder for the `global` statement; the assembler fills it in when all names are known."""
        return ["global ..."]


def comment(node: n.Node, what: str, *exprs: Expr) -> str:
    """The comment that opens a node's lines, with its expressions as SQL, on one line whatever stands in their literals."""
    text = f"{what} {', '.join(to_sql(expr) for expr in exprs)}".rstrip()
    shown = "".join(c if c.isprintable() else " " for c in text)
    return f"# {node.name}: {shown if len(shown) <= COMMENT else shown[:COMMENT] + '...'}"


def reads(exprs: Sequence[Expr], source: int = 0) -> set[str]:
    """Columns of one input that expressions read."""
    return {name for expr in exprs for number, name in columns_of(expr) if number == source}


def columns_where(present: str, lines: Lines, variables: Mapping[str, str]) -> Lines:
    """Lines under a presence condition, with the variables defined in every case."""
    if present == ALWAYS or not lines:
        return lines
    fresh = [v for v in dict.fromkeys(variables.values()) if any(line.lstrip().startswith((f"{v} =", f"{v}:")) for line in lines)]
    return [*([" = ".join([*fresh, "None"])] if fresh else []), f"if {present}:", *indent(lines)]
