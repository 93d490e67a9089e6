"""What is registered is saved, lost and brought back: see spec.md."""

from __future__ import annotations

from penstock_client import Binding, Topology
from penstock_client.declare import relation
from support import Run, reason


def scenario(run: Run) -> dict[str, object]:
    client, orders, totals, name = run.client, run.name("orders"), run.name("totals"), run.name("counts")
    made = client.create_relation(relation(orders, "STREAM", "k STRING KEY, n INT", Binding(partitions=1)))
    counts = Topology(name)
    counts.stream(orders).group_by().aggregate(total="SUM(n)").to(totals)
    client.register_topology(counts, wait=30)
    backup = client.backup_registry()
    client.create_stream(run.name("extra"), "k STRING KEY")
    not_empty = reason(lambda: client.restore_registry(backup))
    would = client.restore_registry(backup, replace=True, validate_only=True)
    client.delete_topology(name)
    client.drop_relation(run.name("extra"))
    client.drop_relation(orders)
    damaged = reason(lambda: client.restore_registry(backup[:-5]))
    done = client.restore_registry(backup)
    back = sorted(one.name for one in client.relations())
    state = client.topology(name).name
    client.delete_topology(name)
    client.drop_relation(orders, delete_topic=True)
    own = len(run.name(""))
    return {
        "kind": made.kind, "not_empty": not_empty, "would_forget": [one[own:] for one in would.forgotten], "would_position": would.position, "damaged": damaged,
        "topologies": [one[own:] for one in done.topologies], "relations": sorted(one[own:] for one in done.relations),
        "position": done.position != "", "back": [one[own:] for one in back], "again": state == name,
    }  # fmt: skip
