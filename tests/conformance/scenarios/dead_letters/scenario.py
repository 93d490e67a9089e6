"""A record that cannot be read is kept, shown, and counted for a replay: see spec.md."""

from __future__ import annotations

from penstock_client import Binding, Topology
from penstock_client.gen.penstock.v1.append_service_pb2 import RawRecord
from support import Run, cells, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, raw, out = run.client, run.name("orders"), run.name("bytes"), run.name("out")
    client.create_stream(orders, "k STRING KEY, n INT", Binding(partitions=1))
    client.create_stream(raw, "k BYTES KEY, v BYTES", Binding(topic=orders, partitions=1, key_format="KAFKA", value_format="KAFKA"))
    copy = Topology(run.name("copy"))
    copy.stream(orders, name="src").to(out)
    client.register_topology(copy, wait=30)
    half = b'{"n": '
    for relation, value in ((orders, b'{"n": 5}'), (raw, half), (orders, b'{"n": 1}')):
        client.append_records(relation, [RawRecord(key=b"a", value=value)])
    refused = reason(lambda: client.append_records(orders, [RawRecord(key=b"a", value=half)]))
    letter = cells(next(client.subscribe(f"{copy.name}.dead_letter", start="earliest")))
    values = [row.n for row in client.subscribe(out, start="earliest", limit=2)]
    replay = client.replay_dead_letters(copy.name, validate_only=True)
    return {
        "refused": refused, "letter": [letter[name] for name in ("NODE", "OFFSET", "RECORD_VALUE")], "values": values,
        "replayable": str(replay.replayed),
    }  # fmt: skip
