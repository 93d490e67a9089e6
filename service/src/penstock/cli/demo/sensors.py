"""Hopping averages of weather stations, and alerts where one is out of range."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.cli.demo.feed import feed
from penstock.cli.demo.recount import Recount, moment
from penstock.cli.demo.stage import Stage

READINGS = 4_000
BEGIN = datetime(2025, 6, 15, 9, 0, tzinfo=UTC)
STATIONS = ("north", "south", "harbour", "airport", "tower")
SIZE, ADVANCE = timedelta(minutes=5), timedelta(minutes=1)


def generate(count: int) -> list[dict[str, Any]]:
    """Twenty minutes; the tower's thermometer drifts away. Values are quarters, so that sums are exact in any order."""
    rnd = random.Random(9)
    out = []
    for n in range(count):
        station = rnd.choice(STATIONS)
        drift = 30 * n / count if station == "tower" else 0
        out.append({"station": station, "pressure": rnd.randrange(4 * 995, 4 * 1025) / 4, "temperature": round(4 * (18 + drift + rnd.random() * 4)) / 4,
                    "ROWTIME": BEGIN + timedelta(milliseconds=300 * n)})
    return out


def play(stage: Stage) -> bool:
    """Whether the recount agrees."""
    readings = generate(READINGS)
    stage.apply("sensors.yaml")
    alerts = stage.follow("station_alerts")
    averages = stage.follow("station_averages")
    token = feed(stage, "readings", readings, "readings of twenty minutes", seen=lambda: bool(averages.rows))

    windows: defaultdict[tuple[str, datetime], list[dict[str, Any]]] = defaultdict(list)
    for reading in readings:
        start = reading["ROWTIME"].replace(second=0, microsecond=0)
        while start > reading["ROWTIME"] - SIZE:
            windows[(reading["station"], start)].append(reading)
            start -= ADVANCE
    expected = {key: (_average(rows, "pressure"), _average(rows, "temperature")) for key, rows in windows.items()}
    hot = {key: t for key, (p, t) in expected.items() if len(windows[key]) >= 20 and (t > 40 or not 980 <= p <= 1040)}

    table = {(r.station, moment(r.WINDOWSTART)): r for r in stage.client.scan("station_averages", at_least=token, max_wait=25)}
    asked = list(stage.client.get_windows("station_averages", "north"))
    stage.say(f"lookup: {len(asked)} windows of north, the newest with {asked[-1].temperature:.2f} degrees on average")

    def pushed() -> dict[tuple[str, datetime], float]:
        return {(r.station, moment(r.WINDOWSTART)): r.temperature for r in alerts.upserts}

    stage.wait("every alert by push", lambda: hot.keys() <= pushed().keys())
    stage.show("station_averages, pushed", averages.rows[-4:])
    stage.show("station_alerts, pushed", alerts.upserts[-4:])

    recount = Recount(stage)
    recount.count(Counter({key: len(rows) for key, rows in windows.items()}), Counter({key: r.readings for key, r in table.items()}))
    recount.rows(expected, {key: (r.pressure, r.temperature) for key, r in table.items()}, "the averages")
    recount.rows(hot, {(r.station, moment(r.WINDOWSTART)): r.temperature for r in stage.client.scan("station_alerts", at_least=token)}, "the alert")
    return recount.close(f"{len(readings):,} readings in {len(windows)} windows, {len(hot)} out of range")


def _average(rows: list[dict[str, Any]], column: str) -> float:
    return float(sum(row[column] for row in rows) / len(rows))
