"""Membership of many consumer groups: one thread with its own event loop, so that a busy main thread does not lose it. For a main thread that
keeps the interpreter's lock, and with it this thread from running, another process sends heartbeats (log/kafka/pulse.py).

aiokafka's GroupCoordinator is eager and changes its token behind the caller's back; this is the small loop that the cooperative scheme needs
(KIP-429 in spirit, claims instead of ownership lists):

    run       joins while a join is wanted; heartbeats go out from one timer for all groups (log/kafka/heartbeats.py)
    claims    whatever SyncGroup gave is claimed until release(); the leader's assignor gives a claimed task to nobody else. What is released
              while a round is under way was published as claimed, so its answer says "give up" once more: that is done already. Claiming
              it again would make every release come too late for the round that it starts, for ever
    tokens    (generation, member), frozen when the assignment came; the old generation is refused (22) from the group's JoinGroup round on
    epoch     grows with every loss of membership (expelled, fenced): work of an older epoch must be aborted, whatever is assigned next
    beats     a group at rest sends a heartbeat each quarter of the session only; one group of the worker, the sentinel, sends one each interval,
              and when that one has to join again (a member came, went or was lost, and members are members of every group) all the others send
              theirs at once. So hundreds of groups cost little, and none of them learns later than it did
    static    a member is known by its node and slot (KIP-345): who starts again within the session has its tasks back at once, and nothing
              moves. The answer to its JoinGroup is the plan as it was; the leader that started again leads from the next round on

What the broker answers, and what follows:
    Heartbeat 0 | 27 join again, tasks and the old token stay good meanwhile | 22, 25 lost | 82 lost for good (another process has our name)
    JoinGroup 0 | 79 join with the id just given | 22, 25 lost | 82 lost for good
    SyncGroup 0 | 27 another round began: join again, claims stay | 22, 25 lost | 82
    14, 15, 16 and every other code: ask again; no answer: ask again. Neither changes what we may do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import msgspec

from penstock.errors import AssignmentLost, LogError, LogUnavailable
from penstock.log.kafka import codes
from penstock.log.kafka.assign import VERSION, Down, Task, Up, assign
from penstock.log.kafka.cluster import GROUP, Cluster
from penstock.log.kafka.heartbeats import Heartbeats
from penstock.log.kafka.protocol import ASSIGNMENT, HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, SUBSCRIPTION, SYNC_GROUP, Call
from penstock.log.kafka.pulse import Membership as Known
from penstock.log.kafka.pulse import Pulse, Settings
from penstock.log.kafka.security import Security
from penstock.log.kafka.token import KafkaToken
from penstock.log.kafka.wake import Signal
from penstock.log.port import Assignment, GroupHandle, Placement, TaskId, TaskWork

logger = logging.getLogger(__name__)

_PROTOCOL_TYPE, _PROTOCOL = "consumer", "penstock-1"
"""The number grows only when members of different versions may not work together, which the broker then sees to (23)."""
_TOKEN_PATIENCE = 12.0
"""Below the transaction timeout: a transaction that waits longer for its token is gone anyway."""
_PAUSE = 0.1
_UNKNOWN = 1 << 60


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds. heartbeat: the interval of the sentinel, and of a group that joined lately. moving: the interval while a task is on the
    move, which waits for the members' next heartbeats."""

    session: int = 10_000
    rebalance: int = 30_000
    heartbeat: int = 1_000
    moving: int = 100

    @property
    def resting(self) -> int:
        """The interval of a group at rest: three may be lost."""
        return max(self.heartbeat, self.session // 4)


@dataclass(frozen=True, slots=True)
class _State:
    """What the runtime sees, replaced as a whole. early: in a round between JoinGroup and SyncGroup, the tasks that this round's JoinGroup
    claimed and the token of its generation: since the leader honours claims, they may be committed with it at once."""

    epoch: int = 0
    latest: Assignment | None = None
    holding: bool = False
    early: tuple[frozenset[TaskId], KafkaToken] | None = None
    fatal: str = ""


class KafkaGroup:
    """GroupHandle. The membership's thread writes _state; the rest of the public part may be called from any thread."""

    def __init__(self, owner: KafkaMembership, name: str, topics: Sequence[str], tasks: Sequence[TaskId], producer: Callable[[], str],
                 notify: Callable[[], None], edition: int = 0, work: Mapping[TaskId, TaskWork] | None = None) -> None:
        self.name = name
        self._protocol = f"{_PROTOCOL}-{edition}" if edition else _PROTOCOL
        self._owner, self._topics, self._producer, self._notify = owner, sorted(topics), producer, notify
        self._work = {_task(t): (work or {}).get(t, TaskWork()) for t in tasks}
        self._lags: dict[Task, int] = {}
        self._ready: set[Task] = set()  # warm-ups of which the leader knows that they are nearly complete
        self.trouble = ""  # why joining does not succeed now, for people
        self._home = asyncio.get_running_loop()
        self._state = _State()
        self._signal = Signal()
        self._lane = ("join", name)
        self._member, self._generation = "", -1
        self._told = ""
        self._claims: dict[Task, int] = {}
        self._released: set[Task] = set()  # since the claims were published in a JoinGroup
        self._memory: Down | None = None
        self._nonce = self._seq = 0
        self._draining = self._leaving = False
        self._joined = 0.0  # when the last round ended
        self._want_join = True
        self._joining = False
        self._stir = asyncio.Event()  # there may be something to do: to join, to end
        self._call: Call | None = None  # a heartbeat: generation and member are the same for long
        self._beating: Call | None = None  # under way
        self._beaten = 0.0
        self._asked = self._missed = False  # a heartbeat at once; the last one was not answered
        self._runner: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------------------ any thread
    @property
    def latest(self) -> Assignment | None:
        return self._state.latest

    @property
    def epoch(self) -> int:
        return self._state.epoch

    @property
    def holding(self) -> bool:
        return self._state.holding

    @property
    def fatal(self) -> str:
        """Why this membership can never come back (another process has taken its name), else empty."""
        return self._state.fatal

    async def token_for(self, tasks: frozenset[TaskId], epoch: int) -> KafkaToken:
        """The token to commit work on these tasks with, begun in this epoch. Waits while a rebalance is between JoinGroup and SyncGroup,
        unless all tasks were claimed in it. The token renews itself by the same rule when the broker refuses its generation, and
        TxnWriter.commit makes use of that; so a commit raises AssignmentLost only when the epoch changed, a task is no longer ours, or no
        assignment came within 12 s."""
        return await self._token(tasks, epoch, after=-1)

    def release(self, tasks: frozenset[TaskId], assignment: Assignment) -> None:
        """These given-up tasks are stopped, committed and closed. Ignored when a newer assignment has come: that one decides."""
        self._owner.call(self._release, tasks, assignment)

    def subscribe(self, topics: Sequence[str]) -> None:
        """The group reads these topics from now on; the broker keeps offsets of topics that a member names."""
        self._owner.call(self._subscribe, sorted(topics))

    def report(self, lags: Mapping[TaskId, int]) -> None:
        """Published at the next JoinGroup; a warm-up that is nearly complete begins one."""
        self._owner.call(self._report, {_task(t): lag for t, lag in lags.items()})

    def rejoin(self) -> None:
        """Tell the leader what changed on our side (producers are noticed by themselves)."""
        self._owner.call(self._rejoin)

    def drain(self) -> None:
        """Ask the leader to move every task to others."""
        self._owner.call(self._drain)

    async def leave(self, for_good: bool = True) -> None:
        """Leave the group; what was assigned goes to others at their next heartbeats, or when the session is over."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._leave(for_good), self._owner.loop()))

    async def _token(self, tasks: frozenset[TaskId], epoch: int, after: int) -> KafkaToken:
        deadline = time.monotonic() + _TOKEN_PATIENCE
        while True:
            changed = self._signal.next()
            state = self._state
            if state.epoch != epoch:
                raise AssignmentLost(f"{self.name}: membership was lost, epoch {epoch} is over")
            token = self._covering(state, tasks, after)
            if token is not None:
                return replace(token, epoch=epoch, renew=lambda stale: self._renew(tasks, epoch, stale))
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await changed
            except TimeoutError:
                raise AssignmentLost(f"{self.name}: no assignment came within {_TOKEN_PATIENCE:.0f} s") from None

    def _covering(self, state: _State, tasks: frozenset[TaskId], after: int) -> KafkaToken | None:
        if state.early is not None and tasks <= state.early[0] and state.early[1].generation > after:
            return state.early[1]
        if state.latest is None or state.holding:
            return None
        token = state.latest.token
        if not isinstance(token, KafkaToken) or token.generation <= after:
            return None
        if not tasks <= state.latest.active | state.latest.give_up:
            raise AssignmentLost(f"{self.name}: tasks of this transaction are no longer ours")
        return token

    async def _renew(self, tasks: frozenset[TaskId], epoch: int, stale: KafkaToken) -> KafkaToken:
        self._owner.call(self.kick)  # a heartbeat tells whether we were expelled or only have to join again
        return await self._token(tasks, epoch, after=stale.generation)

    # ------------------------------------------------------------------------------------------------ the membership's thread
    def start(self) -> None:
        """Begin to join."""
        self._runner = asyncio.create_task(self._run(), name=f"membership-{self.name}")

    def _release(self, tasks: frozenset[TaskId], assignment: Assignment) -> None:
        latest = self._state.latest
        if latest is None or (assignment.epoch, assignment.seq) != (latest.epoch, latest.seq):
            return
        for task in tasks:
            self._claims.pop(_task(task), None)
            self._released.add(_task(task))
        self._rejoin()

    def _report(self, lags: dict[Task, int]) -> None:
        self._lags = lags
        warming = set(self._memory.warming) if self._memory is not None else set()
        ready = {t for t in warming if lags.get(t, _UNKNOWN) <= self._owner.placement.acceptable_lag}
        if ready - self._ready:
            self._rejoin()
        self._ready = ready

    def _subscribe(self, topics: list[str]) -> None:
        if topics != self._topics:
            self._topics = topics
            self._rejoin()

    def _rejoin(self) -> None:
        self._nonce += 1
        self._join_again()

    def _join_again(self) -> None:
        self._want_join = True
        self._stir.set()

    def _drain(self) -> None:
        self._draining = True
        self._rejoin()

    async def _leave(self, for_good: bool) -> None:
        self._leaving = True
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        if self._member and for_good:
            with contextlib.suppress(LogError):  # then the session times out
                await self._ask(LEAVE_GROUP(self.name, [(self._member, self._owner.instance)]))
        self._owner.pulse.tell(Known(self.name, gone=True))
        self._owner.forget(self)
        self._owner.cluster.drop_lane(self._lane)

    async def _run(self) -> None:
        try:
            while not self._leaving and not self._state.fatal:
                await self._round()
        finally:
            self._leaving = True  # nobody would join again, so no heartbeat either

    async def _round(self) -> None:
        """Join, or wait until that is wanted."""
        try:
            if self._want_join:
                await self._join()
            else:
                await self._stir.wait()
            self._stir.clear()
        except LogUnavailable as error:
            self.trouble = str(error)
            logger.info("group %s: %s", self.name, error)
            await asyncio.sleep(_PAUSE)
        except LogError as error:  # not authorised, another protocol in the group, ...: somebody may mend it
            self.trouble = str(error)
            logger.warning("group %s: %s", self.name, error)
            await asyncio.sleep(10 * _PAUSE)
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"
            logger.exception("group %s: membership", self.name)
            await asyncio.sleep(10 * _PAUSE)

    def _set(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        self._signal.fire()
        if {"latest", "epoch", "fatal"} & changes.keys():
            with contextlib.suppress(RuntimeError):  # the loop that called join is closed
                self._home.call_soon_threadsafe(self._notify)

    def _lost(self, why: str, fatal: str = "") -> None:
        logger.warning("group %s: membership lost (%s), epoch %d begins", self.name, why, self._state.epoch + 1)
        self._claims = {}
        self._member, self._generation = "", -1
        self._join_again()
        self._owner.pulse.tell(Known(self.name, gone=True))
        self._set(epoch=self._state.epoch + 1, latest=None, holding=False, early=None, fatal=fatal)

    def _give_up_for_good(self, why: str) -> None:
        logger.error("group %s: another process runs as worker %s of node %s, and this one runs none of its tasks any more: give each node a data "
                     "directory and a --node-id of its own", self.name, self._owner.slot, self._owner.node)
        self._lost(why, fatal=why)

    # ---- heartbeats, sent by the worker's Heartbeats
    def beat_at(self, now: float) -> float:
        """Intervals end at the same moments for all groups, so that their heartbeats go out together."""
        if self._want_join or self._joining or self._leaving or self._beating is not None:
            return math.inf
        if self._asked:
            return now
        interval = self._interval(now) / 1000
        return (self._beaten // interval + 1) * interval

    def beat(self, now: float) -> Call | None:
        """Begin a heartbeat."""
        self._asked, self._beaten = False, now
        if self._producer() != self._told:  # opened or renewed since we joined: the others must know whom to fence when we vanish
            self._rejoin()
            return None
        if self._call is None:
            self._call = HEARTBEAT(self.name, self._generation, self._member, self._owner.instance)
        self._beating = self._call
        return self._call

    def answered(self, call: Call, answer: Any) -> None:
        """An answer to a heartbeat of before a JoinGroup says nothing of what came of that."""
        if call is not self._beating:
            return
        self._beating, self._missed = None, False
        if answer.error == codes.REBALANCING:
            if self._owner.sentinel is self:
                self._owner.beat_all()
            self._join_again()
        elif answer.error:
            try:
                self._refused("heartbeat", answer.error)
            except LogError as error:
                self._missed, self.trouble = True, str(error)
                logger.warning("group %s: %s", self.name, error)

    def unanswered(self, call: Call, error: LogError) -> None:
        """The next one comes soon."""
        if call is self._beating:
            self._beating, self._missed, self.trouble = None, True, str(error)
            logger.info("group %s: %s", self.name, error)

    def _interval(self, now: float) -> int:
        """Milliseconds between heartbeats."""
        timing = self._owner.timing
        if self._memory is not None and self._memory.pending:
            return min(timing.heartbeat, timing.moving)
        lately = now - self._joined < timing.session / 1000
        return timing.heartbeat if lately or self._missed or self._owner.sentinel is self else timing.resting

    @property
    def beating(self) -> bool:
        """It is a member, and no round of it is under way."""
        return not self._want_join and self._state.latest is not None and not self._state.holding and not self._joining

    def kick(self) -> None:
        """Send a heartbeat now."""
        self._asked = True
        self._owner.heartbeats.look()

    async def _join(self) -> None:
        timing = self._owner.timing
        self._want_join, self._joining, self._beating, self._call = False, True, None, None
        self._released.clear()
        claimed = frozenset(TaskId(*t) for t in self._claims)
        try:
            call = JOIN_GROUP(self.name, timing.session, timing.rebalance, self._member, self._owner.instance, _PROTOCOL_TYPE,
                              [(self._protocol, self._published())])
            answer = await self._ask(call, self._lane, timing.rebalance / 1000 + 15)
            if answer.error == codes.MEMBER_ID_REQUIRED:
                self._member, self._want_join = answer.member, True
                return
            if answer.error:
                self._want_join = True
                if answer.error != codes.REBALANCING:
                    self._refused("JoinGroup", answer.error)
                return
            self._generation, self._member = answer.generation, answer.member
            self._owner.pulse.tell(Known(self.name, answer.generation, answer.member, self._owner.instance))
            token = KafkaToken(self.name, self._generation, self._member, self._state.epoch)
            self._set(holding=True, early=(claimed, token))
            plans = self._lead(answer.members) if answer.leader == answer.member else []
            await self._sync(token, plans)
        except BaseException:
            self._want_join = True
            raise
        finally:
            self._joining = False
            self._owner.heartbeats.look()
            if self._state.holding or self._state.early is not None:
                self._set(holding=False, early=None)
            if not self._want_join:
                self._owner.cluster.drop_lane(self._lane)

    def _published(self) -> bytes:
        self._told = self._producer()
        producers = (self._told,) if self._told else ()
        up = Up(VERSION, self._owner.slot, self._owner.node, producers, dict(self._claims), dict(self._lags), self._draining, self._nonce,
                self._owner.placement.rack)
        return bytes(SUBSCRIPTION.encode([0, self._topics, msgspec.msgpack.encode(up)]))

    def _lead(self, members: Sequence[tuple[str, str, bytes]]) -> list[tuple[str, bytes]]:
        ups = {m: msgspec.msgpack.decode(SUBSCRIPTION.decode(BytesIO(text))[2], type=Up) for m, _, text in members}
        plans = assign(self.name, self._work, ups, self._memory, self._owner.placement)
        return [(m, _assignment(self._topics, d)) for m, d in plans.items()]

    async def _sync(self, token: KafkaToken, plans: list[tuple[str, bytes]]) -> None:
        answer = await self._ask(SYNC_GROUP(self.name, token.generation, token.member, self._owner.instance, plans), self._lane)
        if answer.error:
            self._want_join = True
            if answer.error != codes.REBALANCING:
                self._refused("SyncGroup", answer.error)
            return
        down = msgspec.msgpack.decode(ASSIGNMENT.decode(BytesIO(answer.assignment))[2], type=Down)
        self._memory = down
        self._seq += 1
        give_up = [t for t in down.give_up if t not in self._released]
        self._claims = dict.fromkeys((*down.active, *give_up), token.generation)
        members = frozenset(p.split("|")[0] for _, _, producers in down.members.values() for p in producers)
        assignment = Assignment(self._seq, self._state.epoch, token, frozenset(TaskId(*t) for t in down.active),
                                frozenset(TaskId(*t) for t in give_up), down.fences, members,
                                frozenset(TaskId(*t) for t in (*down.standby, *down.warming)), token.generation)
        self.trouble = ""
        self._joined = self._beaten = time.monotonic()
        self._set(latest=assignment, holding=False, early=None)

    def _refused(self, what: str, code: int) -> None:
        """An answer other than 0, 27 and 79."""
        if code in codes.COORDINATOR_MOVED:
            self._owner.cluster.forget_coordinator(GROUP, self.name)
        if code in (codes.ILLEGAL_GENERATION, codes.UNKNOWN_MEMBER):
            self._lost(f"{what}: {codes.name(code)}")
        elif code == codes.FENCED_INSTANCE:
            self._give_up_for_good(f"{what}: another process is this member")
        else:
            raise codes.error(code, f"{what} of group {self.name}")

    async def _ask(self, call: Call, lane: Any = "main", timeout: float | None = None) -> Any:
        return await self._owner.cluster.ask_coordinator(GROUP, self.name, call, lane, timeout)


class KafkaMembership:
    """Membership. The thread starts with the first join."""

    def __init__(self, security: Security, client_id: str, slot: str, node: str, timing: Timing, placement: Placement) -> None:
        self.slot, self.node, self.timing, self.placement = slot, node, timing, placement
        self.instance = f"{node}-{slot}"
        self.cluster: Cluster
        self.heartbeats: Heartbeats
        self._security, self._client_id = security, client_id
        self._groups: dict[str, KafkaGroup] = {}
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        bootstrap = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in security.bootstrap)
        self.pulse = Pulse(Settings(bootstrap, security.properties, f"{client_id}-pulse", os.getpid(),
                                    max(2 * timing.heartbeat, timing.session // 4) / 1000, timing.session / 5000))
        self._helpers: list[asyncio.Task[None]] = []

    def join(self, group: str, topics: Sequence[str], tasks: Sequence[TaskId], producer: Callable[[], str],
             notify: Callable[[], None], edition: int = 0, work: Mapping[TaskId, TaskWork] | None = None) -> GroupHandle:
        """Join a group; while Kafka does not answer, joining goes on. Editions are protocols: the broker refuses (23) whoever does not
        speak that of the members that are there, until they have left or their sessions are over."""
        if group in self._groups:
            raise ValueError(f"already a member of {group}")
        if self._thread is None:
            loop = type(asyncio.get_running_loop())()
            self._thread = threading.Thread(target=self._main, args=(loop,), name="kafka-membership", daemon=True)
            self._thread.start()
            self._ready.wait()
        handle = self._groups[group] = KafkaGroup(self, group, topics, tasks, producer, notify, edition, work)
        self.call(handle.start)
        return handle

    async def close(self) -> None:
        """Leave every group and end the thread."""
        for handle in list(self._groups.values()):
            await handle.leave()
        if self._loop is not None and self._thread is not None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._end(), self._loop))
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)
            self._thread = self._loop = None

    async def _end(self) -> None:
        for helper in self._helpers:
            helper.cancel()
        await asyncio.gather(*self._helpers, return_exceptions=True)
        self.pulse.close()
        await self.cluster.close()

    async def _show_life(self) -> None:
        """Signs of life for the process that steps in without them. It is not started at once: a node's start has enough to do."""
        await asyncio.sleep(self.timing.session / 4000)
        while True:
            try:
                self.pulse.alive()
            except OSError as error:  # no process can be started now
                logger.warning("nobody sends heartbeats for this worker while it is busy: %s", error)
            await asyncio.sleep(self.timing.heartbeat / 1000)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call it in the membership's thread."""
        self.loop().call_soon_threadsafe(function, *arguments)

    def loop(self) -> asyncio.AbstractEventLoop:
        """The thread's event loop."""
        if self._loop is None:
            raise LogUnavailable("the membership is closed")
        return self._loop

    @property
    def sentinel(self) -> KafkaGroup | None:
        """The group that learns for all of them that a member came or went: the first that can."""
        return next((g for g in self._groups.values() if g.beating), None)

    def beat_all(self) -> None:
        """Every group asks at once whether it has to join again."""
        for group in self._groups.values():
            group.kick()

    def forget(self, handle: KafkaGroup) -> None:
        """The group was left."""
        self._groups.pop(handle.name, None)

    def _main(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.call_soon(self._begin, loop)
        try:
            loop.run_forever()
        finally:
            loop.close()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the thread, before the first group."""
        self._loop = loop
        self.cluster = Cluster(self._security, self._client_id, request_timeout=max(1.0, self.timing.session / 3000))
        self.heartbeats = Heartbeats(self.cluster, self._groups.values)
        self._helpers = [loop.create_task(self._show_life(), name="pulse"), loop.create_task(self.heartbeats.run(), name="heartbeats")]
        self._ready.set()


def _task(task: TaskId) -> Task:
    return task.sub, task.partition


def _assignment(topics: Sequence[str], down: Down) -> bytes:
    """The plan, and for Kafka's own tools the partitions of its tasks."""
    partitions = sorted({p for _, p in down.active})
    return bytes(ASSIGNMENT.encode([0, [(t, partitions) for t in topics], msgspec.msgpack.encode(down)]))
