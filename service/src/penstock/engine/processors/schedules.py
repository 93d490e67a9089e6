"""Punctuations of one task, by stream time and by the clock, as Kafka Streams fires them (PunctuationQueue): each schedule once, however many
of its times have passed, and next at the first multiple of its interval that has not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

NEVER = 1 << 62


class Schedule:
    """A schedule (plugins.Cancellable), and an engine.port.Held: its next time is what is kept of it."""

    __slots__ = ("next", "cancelled", "_interval", "_fire", "_schedules")

    def __init__(self, first: int, interval: int, fire: Callable[[int], None], schedules: Schedules) -> None:
        self.next, self.cancelled = first, False
        self._interval, self._fire, self._schedules = interval, fire, schedules

    @property
    def kept(self) -> int:
        """What is stored of it."""
        return self.next

    @kept.setter
    def kept(self, value: int) -> None:
        self.next = value
        self._schedules.look()

    def expire(self) -> None:
        """It keeps nothing that could be forgotten."""

    def cancel(self) -> None:
        """It is not called any more."""
        self.cancelled = True
        self._schedules.remove(self)

    def fire(self, now: int) -> None:
        """Call it, then find its next time: of times that were missed none is caught up with."""
        self._fire(now)
        following = self.next + self._interval
        self.next = following if now < following else self.next + ((now - self.next) // self._interval + 1) * self._interval


class Schedules:
    """All schedules of one kind. next: the earliest time at which one is due; generated code compares with it."""

    def __init__(self, saved: Mapping[str, int]) -> None:
        """saved: next times that were kept, by name."""
        self.next = NEVER
        self._all: list[Schedule] = []
        self._saved = saved

    def add(self, name: str, first: int, interval: int, fire: Callable[[int], None]) -> Schedule:
        """A new schedule; one that was kept goes on where it was."""
        made = Schedule(self._saved.get(name, first), interval, fire, self)
        self._all.append(made)
        self.look()
        return made

    def remove(self, schedule: Schedule) -> None:
        """It is not fired any more."""
        if schedule in self._all:
            self._all.remove(schedule)
        self.look()

    def look(self) -> None:
        """Find the earliest one."""
        self.next = min((s.next for s in self._all), default=NEVER)

    def fire(self, now: int) -> bool:
        """Call what is due, in order of time; whether anything was."""
        fired = False
        while self.next <= now:
            due = min(self._all, key=lambda s: s.next)
            try:
                due.fire(now)
            finally:
                self.look()
            fired = True
        return fired
