"""Calls are refused with the reason of each mistake: see spec.md."""

from __future__ import annotations

from penstock_client import PenstockError, Topology
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    c, orders, totals, name = run.client, run.name("orders"), run.name("totals"), run.name("counts")
    c.create_stream(orders, "k STRING KEY, n INT")
    counts = Topology(name)
    counts.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    c.register_topology(counts, wait=30)
    candidates = ""
    try:
        c.get(run.name("totls"), "a")
    except PenstockError as error:
        candidates = error.metadata.get("candidates", "")
    return {
        "unknown_relation": reason(lambda: c.get(run.name("totls"), "a")), "candidates": totals in candidates,
        "stream_lookup": reason(lambda: c.get(orders, "a")), "wrong_key": reason(lambda: c.get(totals, True)),
        "garbage_token": reason(lambda: c.get(totals, "a", at_least="garbage")),
        "subscribe_garbage": reason(lambda: next(c.subscribe(totals, start="garbage"))),
        "unknown_column": reason(lambda: list(c.scan(totals, where="totl > 1"))),
        "bad_expression": reason(lambda: list(c.scan(totals, where="total >"))),
        "type_mismatch": reason(lambda: list(c.scan(totals, where="total > 'x'"))),
        "in_use": reason(lambda: c.drop_relation(orders)), "read_only": reason(lambda: c.append(totals, {"k": "a"})),
        "unknown_topology": reason(lambda: c.topology(run.name("none"))), "unknown_function": reason(lambda: c.function("NO_SUCH")),
        "not_paused": reason(lambda: c.reset_topology(name)), "name_taken": reason(lambda: c.create_stream(orders, "k STRING KEY")),
        "etag": reason(lambda: c.delete_topology(name, etag="other")), "wrong_column": reason(lambda: c.append(orders, {"x": 1})),
        "bad_cursor": reason(lambda: list(c.scan(totals, cursor="garbage"))),
        "bad_limits": reason(lambda: next(c.subscribe(totals, max_batch_rows=100_000))),
        "unknown_topic": reason(lambda: next(c.query(f"PRINT '{run.name('none')}';"))), "unknown_node": reason(lambda: c.drain_node(run.name("none"))),
    }  # fmt: skip
