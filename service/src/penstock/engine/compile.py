"""Compiles a sub-topology into one Python module with a function for each source, and binds it to a task."""

from __future__ import annotations

import itertools
import linecache
import re
from collections.abc import Sequence

from penstock.engine.failure import nodes_by_line
from penstock.engine.generator import RECORDS, Generator, Lines
from penstock.engine.graph import Graph
from penstock.engine.operators import source
from penstock.engine.port import Bindings
from penstock.engine.program import Compiled, Expiry, Plugins, Run
from penstock.engine.windows.stream_time import newest_name
from penstock.plan import nodes as n
from penstock.plan.resolved import Settings, SubTopology

_numbers = itertools.count()


def compile_sub(sub: SubTopology, settings: Settings, bindings: Bindings) -> Compiled:
    """The program of one task. RequestError when a format or function of the plan is not available."""
    graph = Graph(sub)
    gen = Generator(graph, settings, bindings)
    by_topic: dict[str, list[str]] = {}
    for node in graph.sources():
        name, lines = source.function(gen, node)
        gen.functions.append(lines)
        for topic in [node.topic.topic] if isinstance(node, n.Repartition) else [t.topic for t in node.reads]:
            by_topic.setdefault(topic, []).append(name)
    text = _assemble(sub, gen)
    file = f"<penstock {bindings.topology}.{sub.name} {next(_numbers)}>"
    lines = text.split("\n")
    gen.failures.code(file, nodes_by_line(lines))
    module = gen.module.globals
    exec(compile(text, file, "exec"), module)  # noqa: S102 - the text is generated from a typed plan
    linecache.cache[file] = (len(text), None, [line + "\n" for line in lines], file)
    readers: dict[str, Sequence[Run]] = {topic: [module[name] for name in names] for topic, names in by_topic.items()}  # type: ignore[misc]
    order = {node.name: place for place, node in enumerate(sub.nodes)}
    flushes = [module[name] for node, name in sorted(gen.flushes, key=lambda flush: order[flush[0]])]
    for host in gen.hosts.values():
        for output in host.outputs.values():
            output.send = module[gen.sends[output.node.name]]  # type: ignore[assignment]
    samples = [left for left, _ in gen.samples.values()]
    plugins = Plugins(tuple(gen.hosts.values()), gen.wall, gen.saved)
    return Compiled(text, module, readers, flushes, gen.times, _expiries(graph, gen), gen.held, gen.failures, samples, plugins)  # type: ignore[arg-type]


def _expiries(graph: Graph, gen: Generator) -> list[Expiry]:
    found = []
    for node in graph.sub.nodes:
        if isinstance(node, n.Deduplicate) and node.name in gen.times:
            found.append(Expiry(gen.times[node.name], node.store.retention_ms, gen.bindings.stores[node.store.name]))  # type: ignore[arg-type]
        if isinstance(node, n.Aggregate | n.Suppress) and node.window is not None and node.name in gen.times:
            time = gen.times.get(newest_name(node), gen.times[node.name])
            for spec in (s for s in n.stores_of(node) if s.kind is not n.StoreKind.KEY_VALUE):
                retention = spec.retention_ms or node.window.retention_ms
                found.append(Expiry(time, retention, gen.bindings.stores[spec.name]))  # type: ignore[arg-type]
        if isinstance(node, n.Processor):
            for kept in (s.spec for s in node.stores if s.window is not None):
                found.append(Expiry(gen.times[RECORDS], kept.retention_ms, gen.bindings.stores[kept.name]))  # type: ignore[arg-type]
        if isinstance(node, n.SourceTable | n.ToTable) and node.history is not None:
            found.append(Expiry(gen.times[node.name], node.history.retention_ms, gen.bindings.stores[node.history.name]))  # type: ignore[arg-type]
    return found


def _assemble(sub: SubTopology, gen: Generator) -> str:
    """Doc, state, functions; `global` statements name what each function assigns."""
    blocks = ["\n".join([f'"""Sub-topology {sub.name}, compiled. r is a record, ts its time in ms, key its key\'s bytes."""'])]
    if gen.state:
        blocks.append("\n".join(gen.state))
    blocks += ["\n".join(_with_globals(function, gen.globals_set)) for function in gen.functions]
    return "\n\n\n".join(blocks) + "\n"


def _with_globals(function: Lines, names: list[str]) -> Lines:
    assigned = [name for name in names if any(re.match(rf"\s*{re.escape(name)} = ", line) for line in function)]
    out: Lines = []
    for line in function:
        if line.strip() != "global ...":
            out.append(line)
        elif assigned:
            out.append(line.replace("...", ", ".join(assigned)))
    return out
