"""Errors per service and minute, with an alarm when a minute has too many."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.cli.demo.feed import feed
from penstock.cli.demo.recount import Recount, moment
from penstock.cli.demo.stage import Stage

LINES = 6_000
BEGIN = datetime(2025, 6, 15, 9, 0, tzinfo=UTC)
SERVICES = ("checkout", "search", "accounts", "mail", "stock")
ERRORS = ("connection reset by peer", "timeout after 3000 ms", "out of stock", "no such user")
ALARM = 10


def generate(count: int) -> list[dict[str, Any]]:
    """Ten minutes of lines; from the fourth to the sixth minute checkout is in trouble. Some lines arrive up to 30 s late."""
    rnd = random.Random(5)
    out = []
    for n in range(count):
        at = BEGIN + timedelta(milliseconds=100 * n)
        service = rnd.choice(SERVICES)
        minute = n * 100 // 60_000
        trouble = 0.35 if service == "checkout" and 3 <= minute <= 5 else 0.04
        level = "ERROR" if rnd.random() < trouble else rnd.choice(("INFO", "INFO", "INFO", "WARN"))
        late = timedelta(seconds=rnd.randrange(1, 31)) if rnd.random() < 0.05 else timedelta()
        out.append({"service": service, "level": level, "message": rnd.choice(ERRORS) if level == "ERROR" else f"request {n} done", "ROWTIME": at - late})
    return out


def play(stage: Stage) -> bool:
    """Whether the recount agrees."""
    lines = generate(LINES)
    stage.apply("errors.yaml")
    alarms = stage.follow("error_alarms")
    token = feed(stage, "log_lines", lines, "log lines of ten minutes", seen=lambda: bool(alarms.rows))

    expected: Counter[tuple[str, datetime]] = Counter()
    for line in lines:
        if line["level"] == "ERROR":
            expected[(line["service"], line["ROWTIME"].replace(second=0, microsecond=0))] += 1
    loud = {key: n for key, n in expected.items() if n >= ALARM}
    table = {(r.service, moment(r.WINDOWSTART)): r.errors for r in stage.client.scan("errors_per_minute", at_least=token, max_wait=25)}
    (service, minute), errors = max(loud.items(), key=lambda found: found[1])
    asked = [r for r in stage.client.get_windows("errors_per_minute", service) if moment(r.WINDOWSTART) == minute]
    stage.say(f"lookup: {service} had {asked[0].errors if asked else None} errors in the minute of {minute:%H:%M} (expected {errors})")

    def pushed() -> dict[tuple[str, datetime], int]:
        return {(r.service, moment(r.WINDOWSTART)): r.errors for r in alarms.upserts}

    stage.wait("every alarm by push", lambda: pushed() == loud)
    stage.show("error_alarms, pushed", alarms.upserts[-5:], 5)

    recount = Recount(stage)
    recount.count(expected, Counter(table))
    recount.rows(loud, pushed(), "the alarm")
    recount.right("the lookup", errors, asked[0].errors if asked else None)
    return recount.close(f"{len(lines):,} lines, {expected.total():,} errors in {len(expected)} minutes of services, {len(loud)} alarms")
