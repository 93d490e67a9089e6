"""The load: one writer in a thread that knows what it wrote, and subscriptions that live through the storm."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from checker import MARK_EVERY, amount, group, owner, rowtime
from penstock_client import Client

KEYS = [f"key{i:02d}" for i in range(40)]
ORDERS = [f"order{i:02d}" for i in range(60)]
PROBED = KEYS[-8:]
"""Keys that the probes write to, one record at a time, and nobody else."""
BATCH = 40
PAUSE = 0.02
TAKEN_WITHIN = 300.0
"""Seconds until an append is acknowledged: its outcome must be known. All three nodes may be starting at once, which takes two minutes where sixty
processes want two cores."""


@dataclass
class Sent:
    """What was handed in. numbers, profiles: by key the last number, or version, from 1; orders: by order the last number of its change."""

    numbers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KEYS, 0))
    profiles: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KEYS, 0))
    orders: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORDERS, 0))

    @property
    def total(self) -> int:
        return sum(self.numbers.values())


class Generator:
    """Appends numbers 1, 2, 3... of each key, a mark for each third, and now and then a profile and an order; exactly once."""

    def __init__(self, address: str, seed: int) -> None:
        """address: of one node or, comma separated, of several."""
        self.sent = Sent()
        self.error = ""
        self._client = Client(address, timeout=60)
        self._stop = threading.Event()
        self._appenders = {name: self._client.appender(name, producer_id=f"chaos-{seed}-{name}") for name in ("numbers", "marks", "profiles", "orders")}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._rnd = random.Random(seed)

    def prepare(self) -> tuple[str, str]:
        """A first row of each profile and order, so that no join meets nothing; the positions of both."""
        self._append("profiles", [self._profile(k) for k in KEYS])
        self._append("orders", [self._order(o) for o in ORDERS])
        return self._appenders["profiles"].flush(60), self._appenders["orders"].flush(60)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                keys = [self._rnd.choice(KEYS[:-len(PROBED)]) for _ in range(BATCH)]
                numbers = [number(self.sent, k) for k in keys]
                self._append("numbers", numbers)
                self._append("marks", [m for r in numbers for m in mark(r)])
                if self._rnd.random() < 0.3:
                    self._append("profiles", [self._profile(self._rnd.choice(KEYS))])
                    self._append("orders", [self._order(self._rnd.choice(ORDERS))])
                time.sleep(PAUSE)
        except Exception as e:  # noqa: BLE001 (whatever ends the load is a finding)
            self.error = f"{type(e).__name__}: {e}"

    def _append(self, relation: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._appenders[relation].append(rows)

    def _profile(self, key: str) -> dict[str, Any]:
        v = self.sent.profiles[key] = self.sent.profiles[key] + 1
        return {"K": key, "V": v, "ROWTIME": _time(v)}

    def _order(self, order: str) -> dict[str, Any]:
        a = self.sent.orders[order] = self.sent.orders[order] + 1
        return {"O": order, "OWNER": owner(KEYS, order, a), "A": a, "ROWTIME": _time(a)}

    def finish(self) -> dict[str, str]:
        """Stop, wait until all is acknowledged; the position of the last append to each relation. Empty when the load broke off."""
        self._stop.set()
        self._thread.join(TAKEN_WITHIN)
        if self.error:
            return {}
        positions = {name: appender.flush(TAKEN_WITHIN) for name, appender in self._appenders.items()}
        self._client.close()
        return positions


class Watcher:
    """A subscription through the storm: the client resumes it by itself."""

    def __init__(self, address: str, relation: str, start: str) -> None:
        self.rows: list[Any] = []
        self._client = Client(address, timeout=60)
        self.error = ""
        self._subscription = self._client.subscribe(relation, start=start)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for row in self._subscription:
                self.rows.append(row)
        except Exception as e:  # noqa: BLE001
            self.error = f"{type(e).__name__}: {e}"

    def close(self) -> None:
        self._client.close()
        self._thread.join(5)


def number(sent: Sent, key: str) -> dict[str, Any]:
    """The next record of a key."""
    n = sent.numbers[key] = sent.numbers[key] + 1
    return {"K": key, "N": n, "AMOUNT": amount(key, n), "G": group(key, n), "ROWTIME": _time(n)}


def mark(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The mark of a record, if it has one."""
    return [{"K": row["K"], "M": row["N"], "ROWTIME": row["ROWTIME"]}] if row["N"] % MARK_EVERY == 0 else []


def _time(n: int) -> datetime:
    return datetime.fromtimestamp(rowtime(n) / 1000, UTC)
