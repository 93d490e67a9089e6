"""The logic of a subscription that resumes by itself, without I/O: what to ask next, what an answer means, how long to wait.

Delivery is at least once: the resume point is the position of the last batch that had one, so that rows of batches behind it may come
again after a broken connection. Position and effect stored together by the application make it exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc

from penstock_client import events
from penstock_client._error import PenstockError
from penstock_client.builder import Start, start_position
from penstock_client.enums import name_of
from penstock_client.errors import CredentialsInvalidError, RelationReplacedError, UnreachableError
from penstock_client.gen.penstock.v1 import position_pb2
from penstock_client.gen.penstock.v1 import subscription_service_pb2 as subscription
from penstock_client.position import duration
from penstock_client.retry import Retry, transient
from penstock_client.row import RowSchema, batch_of, schema_of
from penstock_client.values import parameters

METHOD = "/penstock.v1.SubscriptionService/Subscribe"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscription asks for. until: `end` (the present end) or a token; limit 0 is none. Times are seconds; None is the service's
    default."""

    relation: str
    where: str = ""
    values: Mapping[str, Any] | None = None
    columns: Sequence[str] = ()
    start: Start = ""
    until: str = ""
    limit: int = 0
    partitions: Sequence[int] = ()
    max_batch_rows: int = 0
    max_linger: float | None = None
    progress_interval: float | None = None

    @property
    def method(self) -> str:
        """The call."""
        return METHOD

    @property
    def response(self) -> type[Any]:
        """The messages that it answers."""
        return subscription.SubscribeResponse

    @property
    def resumes(self) -> bool:
        """Whether it goes on over broken connections."""
        return True

    def request(self, position: str, taken: int) -> subscription.SubscribeRequest:
        """The request that goes on after `position` (empty: from the start) when `taken` rows have come."""
        return subscription.SubscribeRequest(
            relation=self.relation,
            where=self.where,
            parameters=parameters(self.values),
            columns=self.columns,
            start=start_position(position or self.start) if position or self.start else None,
            until=_until(self.until),
            limit=max(self.limit - taken, 1) if self.limit else 0,
            partitions=self.partitions,
            max_batch_rows=self.max_batch_rows,
            max_linger=None if self.max_linger is None else duration(self.max_linger),
            progress_interval=None if self.progress_interval is None else duration(self.progress_interval),
        )


def _until(until: str) -> subscription.Until | None:
    if not until:
        return None
    if until == "end":
        return subscription.Until(current_end=True)
    return subscription.Until(position=position_pb2.PositionToken(value=until))


class Request(Protocol):
    """What is asked for: a subscription's Wanted, or a query's."""

    @property
    def method(self) -> str: ...
    @property
    def response(self) -> type[Any]: ...
    @property
    def resumes(self) -> bool: ...
    def request(self, position: str, taken: int) -> Any: ...


@dataclass(slots=True)
class SubscriptionState:
    """Where a subscription is. Methods take what happened and give the events for the application."""

    wanted: Request
    retry: Retry
    position: str = ""
    taken: int = 0
    rows_since_position: int = 0
    attempt: int = 0
    greeted: bool = False  # any answer has come: from now on only the application ends it
    done: bool = False
    schema: RowSchema | None = None
    _known: dict[int, RowSchema] = field(default_factory=dict)

    def request(self) -> Any:
        """What to ask now."""
        # Rows behind the resume point come again, so they do not count against the limit.
        self.taken -= self.rows_since_position
        self.rows_since_position = 0
        return self.wanted.request(self.position, self.taken)

    def take(self, event: subscription.Event) -> events.Event | None:
        """The meaning of one message; None when it says nothing to the application. Raises what ends the subscription."""
        self.attempt, self.greeted = 0, True
        match event.WhichOneof("event"):
            case "schema":
                return self._schema(event.schema)
            case "rows":
                return self._rows(event.rows)
            case "progress":
                return events.Progress(self._at(event.progress.position.value))
            case "caught_up":
                return events.CaughtUp(self._at(event.caught_up.position.value))
            case "fell_behind":
                return events.FellBehind(self._at(event.fell_behind.position.value), event.fell_behind.rows_behind)
            case "end":
                return self._end(event.end)
            case _:
                return None  # an event of a newer service

    def _at(self, position: str) -> str:
        if position:
            self.position, self.rows_since_position = position, 0
        return position

    def _schema(self, message: Any) -> events.Event | None:
        schema = self._known.get(message.id) or schema_of(message)
        self._known[message.id] = schema
        if self.schema == schema:
            return None  # the same again, after a reconnect
        self.schema = schema
        return events.SchemaChanged(schema)

    def _rows(self, rows: subscription.Rows) -> events.Batch:
        if self.schema is None:
            raise PenstockError("the service sent rows before their schema")
        batch = batch_of(self.schema, rows.batch, rows.position.value, rows.snapshot)
        self.taken += len(batch)
        self.rows_since_position += len(batch)
        self._at(batch.position)
        return batch

    def _end(self, end: subscription.End) -> events.Event:
        self._at(end.position.value)
        reason = name_of(subscription.EndReason, end.reason, "END_REASON_")
        match reason:
            case "RELATION_REPLACED":
                raise RelationReplacedError(end.message or "history was rebuilt: start anew with a snapshot")
            case "CREDENTIALS_EXPIRED":
                return self.failed(CredentialsInvalidError(end.message or "the credentials have expired"))
            case "NODE_DRAINING":
                self.attempt = 1
                return events.Reconnecting(self.position, self.retry.wait(1, PenstockError(end.message)), None)
            case _:
                self.done = True
                return events.Ended(reason, self.position, end.message)

    def failed(self, error: PenstockError) -> events.Reconnecting:
        """What follows a broken call: the wait, or the error raised when a repeat does not help. Once greeted it is repeated for ever."""
        accepted = self.greeted and self.attempt == 0
        self.attempt += 1
        if not transient(error, accepted) or (self.greeted and not self.wanted.resumes) or (not self.greeted and self.attempt >= self.retry.attempts):
            raise error
        return events.Reconnecting(self.position, self.retry.wait(self.attempt, error), error)

    def closed_early(self) -> events.Reconnecting:
        """What follows a call that ended with OK and without an End."""
        return self.failed(_lost())


def _lost() -> PenstockError:
    return UnreachableError("the connection ended", code=grpc.StatusCode.UNAVAILABLE)
