"""Windows of a key are looked up by range and one by one: see spec.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from penstock_client import Topology, tumbling
from support import Run, reason

DAY = datetime(2024, 1, 1, tzinfo=UTC)


def scenario(run: Run) -> dict[str, object]:
    client, clicks, counts = run.client, run.name("clicks"), run.name("counts")
    client.create_stream(clicks, "page STRING KEY, n INT")
    minutes = Topology(run.name("minutes"))
    minutes.stream(clicks).group_by().window(tumbling(minutes=1)).aggregate(many="COUNT(*)").to(counts)
    client.register_topology(minutes, wait=30)
    rows = [{"page": "p", "n": 1, "ROWTIME": DAY + timedelta(seconds=s)} for s in (0, 30, 60, 150)]
    token = client.append(clicks, rows).position
    later = client.get_windows(counts, "p", start_from=DAY + timedelta(minutes=1), at_least=token, max_wait=20)
    every = client.get_windows(counts, "p")
    one = client.batch_get(counts, [("p", DAY), ("p", DAY + timedelta(minutes=5))])
    return {
        "later": [str(row.many) for row in later], "all": [str(row.many) for row in every], "starts": [str(row.WINDOWSTART) for row in every],
        "one": [row and str(row.many) for row in one], "as_one_row": reason(lambda: client.get(counts, "p")),
    }  # fmt: skip
