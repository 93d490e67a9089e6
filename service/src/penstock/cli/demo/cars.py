"""Where each car was last; a rider follows one car; cells of a grid count theirs."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import Any

from penstock.cli.demo.feed import feed
from penstock.cli.demo.recount import Recount
from penstock.cli.demo.stage import Stage

CARS = 60
POSITIONS = 6_000
MINE = "car-017"


def generate(count: int) -> list[dict[str, Any]]:
    """Cars that wander through a town, a step a time."""
    rnd = random.Random(2)
    at = {f"car-{n:03d}": (53.5 + rnd.random() / 20, 10.0 + rnd.random() / 20) for n in range(CARS)}
    out = []
    for _ in range(count):
        car = rnd.choice(list(at))
        latitude, longitude = (round(x + rnd.uniform(-0.003, 0.003), 5) for x in at[car])
        at[car] = latitude, longitude
        out.append({"car": car, "latitude": latitude, "longitude": longitude})
    return out


def play(stage: Stage) -> bool:
    """Whether the recount agrees."""
    positions = generate(POSITIONS)
    stage.apply("cars.yaml")
    mine = stage.follow("cars", where=f"car = '{MINE}'")
    token = feed(stage, "car_positions", positions, f"positions of {CARS} cars", seen=lambda: bool(mine.rows))

    last = {p["car"]: (p["latitude"], p["longitude"]) for p in positions}
    stage.wait(f"the last position of {MINE} by push", lambda: bool(mine.upserts) and _place(mine.upserts[-1]) == last[MINE])
    stage.show(f"cars where car = '{MINE}', pushed to its rider", mine.upserts[-4:])
    row = stage.client.get("cars", MINE, at_least=token, max_wait=25)
    cells = Counter(_cell(*place) for place in last.values())
    cell, crowd = cells.most_common(1)[0]
    near = list(stage.client.scan("cars", where=f"cell = '{cell}'", at_least=token, max_wait=25))
    stage.say(f"lookup: {len(near)} cars are in cell {cell} (expected {crowd})")
    stage.show(f"cars where cell = '{cell}'", near)

    recount = Recount(stage)
    recount.rows(last, {r.car: _place(r) for r in stage.client.scan("cars", at_least=token)}, "the place")
    counted = {r.cell: r.cars for r in stage.client.scan("cars_in_cell", at_least=token, max_wait=25) if r.cars}
    recount.count(cells, Counter(counted))
    recount.right(f"the place of {MINE}", last[MINE], row and _place(row))
    recount.right(f"the cars in {cell}", {car for car, place in last.items() if _cell(*place) == cell}, {r.car for r in near})
    return recount.close(f"{len(positions):,} positions, {len(last)} cars in {len(cells)} cells")


def _place(row: Any) -> tuple[float, float]:
    return row.latitude, row.longitude


def _cell(latitude: float, longitude: float) -> str:
    return f"{math.floor(latitude * 100)}:{math.floor(longitude * 100)}"
