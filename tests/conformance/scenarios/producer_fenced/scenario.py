"""A newer stream of a producer ends the older one: see spec.md."""

from __future__ import annotations

from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, till = run.client, run.name("orders"), run.name("till")
    client.create_stream(orders, "k STRING KEY, n INT")
    first = client.appender(orders, producer_id=till)
    first.append({"k": "a", "n": 1})
    first.flush(20)
    second = client.appender(orders, producer_id=till)
    last = second.last_sequence

    def go_on(appender: object) -> None:
        appender.append({"k": "a", "n": 2})  # type: ignore[attr-defined]
        appender.flush(20)  # type: ignore[attr-defined]

    fenced, fine = reason(lambda: go_on(first)), reason(lambda: go_on(second))
    rows = len(list(client.subscribe(orders, start="earliest", until="end")))
    return {"last_sequence": str(last), "first": fenced, "second": fine, "rows": rows}
