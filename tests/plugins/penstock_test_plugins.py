"""Processors as users write them, installed for the tests by the entry points beside this file."""

from __future__ import annotations

import time
from pathlib import Path

from penstock.plugins import (
    STREAM_TIME,
    WALL_CLOCK,
    Context,
    OutputDeclaration,
    Processor,
    Record,
    key_value,
    session,
    window,
)


class Silence(Processor):
    """Reports, by stream time, sensors that say nothing for as long as the topology says."""

    outputs = {"alerts": "K STRING KEY, SINCE BIGINT"}
    stores = (key_value("last", "K STRING KEY, AT BIGINT, N BIGINT"),)

    def init(self, context: Context) -> None:
        self.last = context.key_value("last")
        self.limit = int(context.config.get("limit", "60000"))
        context.schedule(self.limit, STREAM_TIME, self.look)

    def process(self, record: Record, context: Context) -> None:
        if record.key is None:
            return
        before = self.last.get(record.key)
        self.last.put(record.key, {"AT": record.timestamp, "N": 1 + (before["N"] if before else 0)})

    def look(self, now: int, context: Context) -> None:
        for key, row in self.last.all():
            if row["AT"] <= now - self.limit:
                context.forward(Record(key, {"SINCE": row["AT"]}, now), "alerts")
                self.last.delete(key)


class Tally(Processor):
    """Numbers the records of each key, and the seconds of stream time of each task."""

    outputs = {"counts": OutputDeclaration("K STRING KEY, N BIGINT, C BIGINT", keeps_key=True), "seconds": "K STRING KEY, C BIGINT"}
    stores = (key_value("seen", "K STRING KEY, C BIGINT"),)

    def init(self, context: Context) -> None:
        self.seen = context.key_value("seen")
        context.schedule(1000, STREAM_TIME, self.second)

    def process(self, record: Record, context: Context) -> None:
        if record.value is not None:
            context.forward(record.with_value({"N": record.value["N"], "C": self._next(str(record.key))}), "counts")

    def second(self, now: int, context: Context) -> None:
        own = f"task {context.partition}"
        context.forward(Record(own, {"C": self._next(own)}, now), "seconds")

    def _next(self, key: str) -> int:
        row = self.seen.get(key)
        count: int = 1 + (row["C"] if row else 0)
        self.seen.put(key, {"C": count})
        return count


class Steps(Processor):
    """Sends everything on with its number, even ones to `even`, odd ones to `odd`, and says what it knows of the record."""

    outputs = {"even": OutputDeclaration("K STRING KEY, V BIGINT, N BIGINT", keeps_key=True), "odd": "K STRING KEY, V BIGINT, N BIGINT"}
    inputs = (1, 1)

    def init(self, context: Context) -> None:
        self.count = 0

    def process(self, record: Record, context: Context) -> None:
        self.count += 1
        assert context.offset >= 0 and context.topic
        headers = (*record.headers, ("from", f"{context.topic}@{context.offset}".encode()))
        value = None if record.value is None else {"V": record.value["V"], "N": self.count}
        context.forward(Record(record.key, value, record.timestamp + 1, headers), "odd" if self.count % 2 else "even")


class Pairs(Processor):
    """Joins a stream with a table by hand: two inputs, told apart by name."""

    outputs = {"out": "K STRING KEY, V BIGINT, NAME STRING"}
    stores = (key_value("names", "K STRING KEY, NAME STRING"),)
    inputs = (2, 2)

    def init(self, context: Context) -> None:
        self.names = context.key_value("names")

    def process(self, record: Record, context: Context) -> None:
        if record.key is None:
            return
        if record.input == "names":
            self.names.put(record.key, None if record.value is None else {"NAME": record.value["NAME"]})
            return
        row = self.names.get(record.key)
        if record.value is not None:
            context.forward(record.with_value({"V": record.value["V"], "NAME": row["NAME"] if row else None}))


class Visits(Processor):
    """Keeps windows of ten seconds and sessions of up to five seconds' gap."""

    stores = (window("tens", "K STRING KEY, N BIGINT", size=10_000, retention=60_000),
              session("visits", "K STRING KEY, N BIGINT", retention=60_000))

    def init(self, context: Context) -> None:
        self.tens, self.visits = context.window("tens"), context.session("visits")

    def process(self, record: Record, context: Context) -> None:
        if record.key is None:
            return
        at = record.timestamp
        start = at - at % 10_000
        row = self.tens.get(record.key, start) or {"N": 0}
        self.tens.put(record.key, start, {"N": row["N"] + 1})
        first = last = at
        count = 1
        for begin, end, visit in self.visits.find(record.key, at - 5_000, at + 5_000):
            first, last, count = min(first, begin), max(last, end), count + visit["N"]
            self.visits.remove(record.key, begin, end)
        self.visits.put(record.key, first, last, {"N": count})


class Ticks(Processor):
    """Sends its count once a second of the clock, under one key."""

    outputs = {"ticks": "K STRING KEY, N BIGINT"}
    stores = (key_value("count", "K STRING KEY, N BIGINT"),)

    def init(self, context: Context) -> None:
        self.count = context.key_value("count")
        self.schedule = context.schedule(int(context.config.get("every", "1000")), WALL_CLOCK, self.tick)

    def process(self, record: Record, context: Context) -> None:
        row = self.count.get("all") or {"N": 0}
        self.count.put("all", {"N": row["N"] + 1})

    def tick(self, now: int, context: Context) -> None:
        row = self.count.get("all")
        if row is None:
            return
        context.forward(Record({"K": "all"}, {"N": row["N"]}, now), "ticks")
        if row["N"] >= 100:
            self.schedule.cancel()


class Faulty(Processor):
    """Does what a record says: raises, sends nonsense, sleeps."""

    outputs = {"out": "K STRING KEY, V BIGINT"}

    def init(self, context: Context) -> None:
        if context.config.get("start") == "fails":
            raise RuntimeError("no such host")
        if "every" in context.config:
            context.schedule(int(context.config["every"]), STREAM_TIME, self.punctuate)

    def process(self, record: Record, context: Context) -> None:
        what = record.value["T"] if record.value else ""
        if what == "raise":
            raise RuntimeError("this record is not for me")
        if what == "sleep":
            time.sleep(3600)
        if what == "closed" and not Path(context.config["gate"]).exists():
            raise RuntimeError("the gate is closed")
        value = {"type": {"V": "text"}, "name": {"W": 1}}.get(what, {"V": len(what)})
        output = "nowhere" if what == "output" else "out"
        context.forward(Record(record.key, value, -1 if what == "time" else record.timestamp), output)

    def punctuate(self, now: int, context: Context) -> None:
        raise ValueError(f"not at {now}")


class Gated(Processor):
    """Sends numbers on; while there is no file of the name `gate` it fails for some."""

    outputs = {"out": "K STRING KEY, N BIGINT"}

    def process(self, record: Record, context: Context) -> None:
        assert record.value is not None
        if record.value["N"] % int(context.config["every"]) == 0 and not Path(context.config["gate"]).exists():
            raise RuntimeError("the gate is closed")
        context.forward(record.with_value({"N": record.value["N"]}))


class NotOne:
    """No processor."""


class WrongColumns(Processor):
    """Declares what is no column."""

    outputs = {"out": "K STRING KEY, V NUMBER"}
