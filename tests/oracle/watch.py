"""A plug-in of every kind of store and of punctuations, which java/penstock/oracle/Watch.java is in the Processor API of Kafka Streams."""

from __future__ import annotations

from penstock.plugins import STREAM_TIME, WALL_CLOCK, Context, OutputDeclaration, Processor, Record, key_value, session, window

SIZE_MS, GAP_MS, HOUR_MS = 10, 5, 3_600_000
DIGITS = 5
"""Keys of one digit, whose bytes are in the same order in every format."""


class Watch(Processor):
    """Counts the records of each key, in all, in windows and in sessions; a null value forgets the first of these. Punctuations tell it of all
    keys. config: every and clock, their intervals in ms by stream time and by the clock, none without; key, the input's key column."""

    outputs = {"counts": OutputDeclaration("K STRING KEY, N BIGINT, W BIGINT, V BIGINT", keeps_key=True), "told": "N BIGINT KEY, K STRING, AT BIGINT"}
    stores = (key_value("seen", "K STRING KEY, N BIGINT"), window("windows", "K STRING KEY, N BIGINT", size=SIZE_MS, retention=HOUR_MS),
              session("visits", "K STRING KEY, N BIGINT", retention=HOUR_MS))

    def init(self, context: Context) -> None:
        self.seen, self.windows, self.visits = context.key_value("seen"), context.window("windows"), context.session("visits")
        for name, kind in (("every", STREAM_TIME), ("clock", WALL_CLOCK)):
            if name in context.config:
                context.schedule(int(context.config[name]), kind, self.tell)

    def process(self, record: Record, context: Context) -> None:
        key, at = record.key[context.config["key"]] if record.key else None, record.timestamp
        if key is None:
            return
        if record.value is None:
            self.seen.delete(key)
            context.forward(Record({"K": key}, None, at, record.headers), "counts")
            return
        count = self._number(self.seen.get(key)) + 1
        self.seen.put(key, {"N": count})
        start = at - at % SIZE_MS
        within = self._number(self.windows.get(key, start)) + 1
        self.windows.put(key, start, {"N": within})
        visit, first, last = 1, at, at
        for begin, end, row in self.visits.find(key, at - GAP_MS, at + GAP_MS):
            visit, first, last = visit + self._number(row), min(first, begin), max(last, end)
            self.visits.remove(key, begin, end)
        self.visits.put(key, first, last, {"N": visit}, timestamp=last)
        context.forward(Record({"K": key}, {"N": count, "W": within, "V": visit}, at, record.headers), "counts")

    def tell(self, now: int, context: Context) -> None:
        for key, row in self.seen.all():
            context.forward(Record({"N": row["N"] % DIGITS}, {"K": key["K"], "AT": now}, now), "told")

    @staticmethod
    def _number(row: dict[str, int] | None) -> int:
        return row["N"] if row else 0
