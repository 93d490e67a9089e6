"""Members come, go, freeze, are expelled and vanish at random, the broker is killed: every record once and in order."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from dataclasses import dataclass, field

import pytest
from broker import Broker
from penstock.errors import LogError
from penstock.log.kafka import protocol
from penstock.log.kafka.cluster import GROUP
from penstock.log.kafka.token import KafkaToken
from penstock.log.port import Log
from support import kafka, run, until
from worker import Load, Worker, check, stage

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SEEDS = [int(s) for s in os.environ.get("TURMOIL_SEEDS", "1,2").split(",")]
SECONDS = float(os.environ.get("TURMOIL_SECONDS", "15"))


@dataclass
class Cast:
    """The workers alive now, by slot."""

    worker: dict[str, Worker] = field(default_factory=dict)
    gone: list[Worker] = field(default_factory=list)
    happened: dict[str, int] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """Who is where, for a run that failed."""
        return "\n".join([" ".join(self.story), *(w.describe() for w in self.worker.values()), "gone:", *(w.describe() for w in self.gone)])


@pytest.mark.parametrize("seed", SEEDS)
def test_turmoil(kafka_broker: Broker, seed: int) -> None:
    rng = random.Random(seed)

    async def test() -> None:
        async with stage(kafka_broker, 6) as (log, inputs, outputs, group), kafka(kafka_broker.bootstrap, "w") as shared:
            cast, load = Cast(), Load(log, inputs)
            deadline = asyncio.get_running_loop().time() + SECONDS
            while asyncio.get_running_loop().time() < deadline:
                slot = rng.choice("abc")
                if slot not in cast.worker:
                    what = "start"
                    cast.worker[slot] = Worker(shared, slot, group, inputs, outputs[0].topic)
                    cast.worker[slot].start()
                else:
                    what = rng.choices(["rejoin", "freeze", "expel", "vanish", "stop", "broker"], [8, 3, 3, 2, 2, 0.3])[0]
                    await _do(what, cast, slot, log, kafka_broker, rng)
                cast.happened[what] = cast.happened.get(what, 0) + 1
                cast.story.append(f"{SECONDS - deadline + asyncio.get_running_loop().time():.1f}:{slot}:{what}")
                await asyncio.sleep(rng.expovariate(3))
            print(f"seed {seed}: {cast.happened}, losses {[w.losses for w in cast.worker.values()]}")
            sent = await load.stop()
            if not cast.worker:
                cast.worker["a"] = Worker(shared, "a", group, inputs, outputs[0].topic)
                cast.worker["a"].start()
            await until(lambda: {p for w in cast.worker.values() for p in w.running} == set(range(6)), 40,
                        lambda: f"every task runs\n{cast.describe()}")
            await check(log, sent, inputs, outputs, group)
            for worker in cast.worker.values():
                await worker.stop()

    run(test(), SECONDS + 120)


async def _do(what: str, cast: Cast, slot: str, log: Log, broker: Broker, rng: random.Random) -> None:
    worker = cast.worker[slot]
    if what == "rejoin":
        worker.handle.rejoin()
    elif what == "freeze":  # longer than the session or not, thread of the membership and all
        worker.frozen.clear()
        thawed = threading.Event()
        worker.handle._owner.loop().call_soon_threadsafe(thawed.wait)
        await asyncio.sleep(rng.uniform(0.1, 3))
        thawed.set()
        worker.frozen.set()
    elif what == "expel":
        latest = worker.handle.latest
        if latest is not None and isinstance(latest.token, KafkaToken):
            call = protocol.LEAVE_GROUP(worker.group, [(latest.token.member, None)])
            try:
                await log._cluster.ask_coordinator(GROUP, worker.group, call)  # type: ignore[attr-defined]
            except LogError:
                return
    elif what == "vanish":
        cast.gone.append(cast.worker.pop(slot))
        worker.task.cancel()
        await asyncio.gather(worker.task, return_exceptions=True)
        worker.handle._owner.loop().call_soon_threadsafe(worker.handle._runner.cancel)  # type: ignore[union-attr]
        worker.handle._member = ""
        await worker.reader.close()
    elif what == "stop":
        del cast.worker[slot]
        await worker.stop()
    else:
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.restart)
