"""A plan as text for people: sub-topologies with their nodes, topics, what is published, then the generated Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from penstock.plan import nodes as n
from penstock.plan.resolved import ResolvedPlan, SubTopology
from penstock.plan.sql_text import to_sql
from penstock.types.schema import Role, Schema
from penstock.types.sqltype import quote


def explain(plan: ResolvedPlan, sources: Mapping[str, str] | None = None) -> str:
    """The text. sources: generated Python by name of the sub-topology."""
    lines = [
        f"topology {plan.topology}, incarnation {plan.incarnation} of service {plan.service_id}",
        f"  {plan.settings.guarantee.value}, commit every {plan.settings.commit_interval_ms} ms, updates {plan.settings.updates.value}, "
        f"bad records {plan.settings.on_bad_record.value}{_idle(plan.settings.max_task_idle_ms)}{_standbys(plan.settings.standbys)}",
    ]
    for sub in plan.subs:
        lines += ["", *_sub(sub)]
    for sub in plan.globals:
        lines += ["", *_global(sub)]
    lines += ["", "topics", *_topics(plan), "", "published", *_published(plan)]
    for name, source in (sources or {}).items():
        lines += ["", f"generated Python of sub-topology {name}", *(f"  {line}".rstrip() for line in source.splitlines())]
    return "\n".join(lines) + "\n"


def _idle(ms: int) -> str:
    return "" if ms == 0 else ", tasks never wait for an input" if ms < 0 else f", tasks wait {ms} ms for an input without records"


def _standbys(count: int | None) -> str:
    return "" if count is None else f", {count} {'standby' if count == 1 else 'standbys'} of each task"


def _global(sub: SubTopology) -> Iterator[str]:
    yield f"global table {sub.name}: whole in every worker"
    yield from list(_sub(sub))[1:]


def _sub(sub: SubTopology) -> Iterator[str]:
    yield f"sub-topology {sub.name}: {_count(sub.partitions, 'task')}"
    here = {node.name for node in sub.nodes}
    for node in sub.nodes:
        fed = [i for i in node.inputs if i.partition(".")[0] in here]
        reads = isinstance(node, n.Repartition) and not fed
        yield f"  {node.name}{' <- ' + ', '.join(fed) if fed else ''}: {_node(node, reads)}"
        yield f"      {_schema(node.schema)}{_window(node.window)}"
        for store in n.stores_of(node):
            yield f"      {_store(store)}"
    if sub.scalars is not None:
        yield f"  stream times: {_store(sub.scalars)}"


def _start(at: n.StartAt) -> str:
    """`latest`, and what that was when the topology was registered."""
    word = at.start.value.lower().replace("_", " ")
    if at.start is n.Start.AT_TIME:
        word += f" {datetime.fromtimestamp(at.time_ms / 1000, UTC).isoformat(timespec='milliseconds')}"
    if at.pinned is None:
        return word
    return f"{word} ({'; '.join(f'{t.topic} ' + ', '.join(f'{p}:{o}' for p, o in t.offsets) for t in at.pinned) or 'no topic existed'})"


def _node(node: n.Node, reads: bool) -> str:
    """What a node does, in a line. reads: a Repartition as the source of its sub-topology."""
    match node:
        case n.SourceStream() if node.topics:
            found = f" that match {node.pattern!r}" if node.pattern else ""
            named = ", ".join(f"{t.topic} ({_count(t.partitions, 'partition')})" for t in node.topics)
            return f"stream of the topics{found} {named}, each as {_topic(node.topic)}, start {_start(node.start)}"
        case n.SourceStream() | n.SourceTable():
            history = _history(node.history) if isinstance(node, n.SourceTable) else ""
            return f"{node.kind.value.lower()} {node.relation} from {_topic(node.topic)}, start {_start(node.start)}{history}"
        case n.Filter():
            return f"filter not ({to_sql(node.where)})" if node.negate else f"filter {to_sql(node.where)}"
        case n.Select():
            return f"select {_projections(node.columns)}"
        case n.Explode():
            texts = [_projection(p, wrap=i in node.exploded) for i, p in enumerate(node.columns)]
            return f"explode {', '.join(texts)}"
        case n.PartitionBy():
            return f"partition by {_projections(node.keys)} as {_format(node.key_format)}"
        case n.GroupBy():
            return f"group by {_projections(node.keys)}" + (f" as {_format(node.key_format)}" if node.rekey else ", the key stays")
        case n.Repartition():
            changes = "changes " if node.changes else ""
            return f"{'read' if reads else 'write'} {changes}{'from' if reads else 'to'} {_topic(node.topic)}"
        case n.Aggregate():
            calls = ", ".join([*(f"{_call(c)} AS {quote(c.name)}" for c in node.columns), *map(_accumulator, node.accumulators)])
            final = ", emitted when closed" if node.emit is n.Emit.FINAL else ""
            return f"aggregate {'changes of a table: ' if node.of_table else ''}{calls}{final}"
        case n.StreamTableJoin():
            waits = f", rows wait {node.grace_ms} ms" if node.waiting is not None else ""
            return f"{node.join.value.lower()} join by key{waits}: {_projections(node.columns, _sides(node))}"
        case n.StreamGlobalJoin():
            keys = ", ".join(to_sql(key, _global_sides(node)) for key in node.keys)
            return f"{node.join.value.lower()} join of global table {node.table.name} by {keys}: {_projections(node.columns, _global_sides(node))}"
        case n.StreamStreamJoin():
            return f"{node.join.value.lower()} stream join by key, {node.before_ms} ms before to {node.after_ms} ms after, grace " \
                   f"{node.grace_ms} ms{', unmatched rows at once' if node.eager else ''}: {_projections(node.columns, _sides(node))}"
        case n.ForeignKeySend():
            return f"subscribe to {to_sql(node.foreign_key)} as {_format(node.key_format)}"
        case n.ForeignKeySubscribe():
            return f"answer with {', '.join(node.answers) or 'nothing'} as {_format(node.key_format)}"
        case n.ForeignKeyJoin():
            return f"{node.join.value.lower()} foreign-key join: {_projections(node.columns, ['left', 'right'])}"
        case n.TableTableJoin():
            return f"{node.join.value.lower()} table join by key: {_projections(node.columns, _sides(node))}"
        case n.RemoteProcessor():
            config = "".join(f", {name} = {value!r}" for name, value in node.config)
            timers = ", with timers" if node.timers is not None else ""
            return f"process with programs that serve {node.processor}{config}: bundles of up to {node.bundle_rows} rows{timers}"
        case n.RemoteCall():
            null = "" if node.null_for_null else ", with null too"
            cache = f", {node.cache_rows} results kept" if node.cache_rows else ""
            arguments = ", ".join(map(to_sql, node.arguments))
            return f"call {node.function}({arguments}) AS {quote(node.column)} in programs that serve version {node.version}: bundles of up to " \
                   f"{node.bundle_rows} rows{null}{cache}"
        case n.Processor():
            config = "".join(f", {name} = {value!r}" for name, value in node.config)
            return f"process with {node.processor}{config}"
        case n.ProcessorOutput():
            return f"output {node.output} as {_format(node.key_format)}{', the key stays' if node.keeps_key else ''}"
        case n.Merge():
            return "merge"
        case n.Branch():
            ways = [f"{o.name} if {to_sql(o.where)}" for o in node.outputs]
            return "branch " + "; ".join([*ways, f"else {node.default_output}" if node.default_output else "else dropped"])
        case n.ToTable():
            return f"to table{_history(node.history)}"
        case n.ToStream():
            return "to stream"
        case n.Suppress():
            until = "windows close" if node.window_closes else f"{node.wait_ms} ms behind the first update"
            bounds = "".join(f", at most {bound} {what}" for bound, what in ((node.max_records, "records"), (node.max_bytes, "bytes")) if bound)
            return f"suppress until {until}{bounds}{', stops when full' if node.stops else ''}"
        case n.Deduplicate():
            ids = ", ".join(["the key", *map(to_sql, node.ids)])
            return f"deduplicate by {ids} within {node.within_ms} ms, grace {node.grace_ms} ms"
        case n.Peek():
            return f"peek at {_projections(node.columns)}, at most {node.max_per_second} a second"
        case n.Sink():
            return f"sink {node.relation} to {_topic(node.topic)}{_headers(node)}"
        case n.RoutedSink():
            made = ", made when missing" if node.create else ""
            return f"sink to the topic {to_sql(node.route)}{made} (key {_format(node.topic.key_format)}, value " \
                   f"{_format(node.topic.value_format)}){_headers(node)}"
    raise TypeError(f"no text for {type(node).__name__}")


def _headers(node: n.Sink | n.RoutedSink) -> str:
    added = f", headers {_projections(node.headers)}" if node.headers else ""
    return f"{', without headers' if node.drop_headers else ''}{added}"


def _sides(node: n.Node) -> list[str]:
    """How a join's expressions call its inputs."""
    names = [i.rpartition(".")[2].removesuffix("-repartition").removesuffix("-rekey") for i in node.inputs]
    return names if names[0] != names[1] else ["left", "right"]


def _accumulator(one: n.Accumulator) -> str:
    """An accumulator with its expressions."""
    begins = f"init {to_sql(one.init)}" if one.init is not None else "the first row's"
    steps = [f"add {to_sql(e, ('acc', 'row')) if e is not None else 'nothing'}" for e in one.add]
    steps += [f"undo {to_sql(one.undo, ('acc', 'row'))}"] if one.undo is not None else []
    steps += [f"merge {to_sql(one.merge, ('acc', 'other'))}"] if one.merge is not None else []
    return f"{quote(one.name)} ({'; '.join([begins, *steps])})"


def _global_sides(node: n.StreamGlobalJoin) -> list[str]:
    return [node.inputs[0].rpartition(".")[2].removesuffix("-repartition"), node.table.name]


def _call(column: n.AggregateColumn) -> str:
    name, _, variant = column.function.partition("/")
    given = [to_sql(a) for a in column.arguments] + [str(v) for v in column.literals]
    return f"{name}({', '.join(given) or ('*' if variant == '*' else '')})"


def _projections(columns: Sequence[n.Projection], inputs: Sequence[str] = ()) -> str:
    return ", ".join(_projection(p, inputs) for p in columns) or "nothing"


def _projection(column: n.Projection, inputs: Sequence[str] = (), wrap: bool = False) -> str:
    text = to_sql(column.expr, inputs)
    if wrap:
        text = f"EXPLODE({text})"
    return text if text == quote(column.name) else f"{text} AS {quote(column.name)}"


def _schema(schema: Schema) -> str:
    roles = {Role.KEY: " KEY", Role.HEADER: " HEADER"}
    return ", ".join(f"{quote(c.name)} {c.type}{roles.get(c.role, '')}" for c in schema) or "no columns"


def _window(window: n.Window | None) -> str:
    if window is None:
        return ""
    length = f"{window.size_ms} ms" + (f" every {window.advance_ms} ms" if window.advance_ms else "")
    what = f"sessions with gaps of up to {length}" if window.kind is n.WindowKind.SESSION else f"{window.kind.value.lower()} windows of {length}"
    return f"; {what}, grace {window.grace_ms} ms, kept {window.retention_ms} ms"


def _history(store: n.StoreSpec | None) -> str:
    return "" if store is None else f", earlier rows kept {store.retention_ms} ms"


def _store(store: n.StoreSpec) -> str:
    kind = store.kind.value.lower().replace("_", "-")
    return f"{kind} store {store.name} ({', '.join(store.fields)}), changelog {store.changelog or 'none'}"


def _topic(topic: n.TopicRef) -> str:
    time = f", time from {quote(topic.timestamp_column)}" if topic.timestamp_column else ""
    if topic.on_bad_time is not n.OnBadTime.BAD_RECORD:
        time += " or skipped" if topic.on_bad_time is n.OnBadTime.SKIP else " or the record's"
    windowed = "windowed " if topic.window is not None else ""
    return f"topic {topic.topic} ({_count(topic.partitions, 'partition')}, {windowed}key {_format(topic.key_format)}, " \
           f"value {_format(topic.value_format)}{time})"


def _format(fmt: n.Format) -> str:
    """Its name and properties, but for a registered schema's text: the id says which it is."""
    shown = [f"{k}={v!r}" for k, v in fmt.properties if k not in ("SCHEMA", "SCHEMA_REFERENCES")]
    return f"{fmt.name}({', '.join(shown)})" if shown else fmt.name


def _topics(plan: ResolvedPlan) -> Iterator[str]:
    for outer in plan.external:
        yield f"  {outer.topic}: {_count(outer.partitions, 'partition')}, {'created' if outer.create else 'exists'}"
    for inner in plan.internal:
        policy = "compacted" if inner.compact else "deleted by the service" if inner.retention_ms < 0 else ""
        kept = f"kept {inner.retention_ms} ms" if inner.retention_ms >= 0 else ""
        yield f"  {inner.topic}: {_count(inner.partitions, 'partition')}, internal, {', '.join(filter(None, (policy, kept)))}"


def _published(plan: ResolvedPlan) -> Iterator[str]:
    for p in plan.published:
        where = f"lookups in store {p.store} of {p.sub}" if p.store else f"topic {p.topic.topic}" if p.topic else "not readable"
        yield f"  {p.kind.value.lower()} {p.name}: {where}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
