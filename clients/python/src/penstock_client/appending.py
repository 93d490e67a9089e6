"""The logic of a stream of appends, without I/O: which batches wait for their acknowledgement and what follows each answer.

Each batch has a sequence under the appender's producer_id, so that sending it again after a broken connection writes nothing twice.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from penstock_client import model
from penstock_client._error import PenstockError
from penstock_client.appends import acknowledged
from penstock_client.gen.penstock.v1 import append_service_pb2 as append
from penstock_client.retry import Retry, transient

METHOD = "/penstock.v1.AppendService/AppendStream"


@dataclass(slots=True)
class AppendState:
    """Batches on their way. waiting: those without an acknowledgement, oldest first."""

    producer_id: str
    retry: Retry
    skip_invalid: bool = False
    waiting: deque[append.AppendBatch] = field(default_factory=deque)
    sequence: int = 0
    epoch: int = 0  # of the service, once opened: who opens the same producer_id later ends this one
    max_in_flight: int = 1
    attempt: int = 0
    opened: bool = False  # by the present connection
    started: bool = False  # by any connection: last_sequence is known
    last: model.Appended | None = None
    appended: int = 0

    def open(self) -> append.AppendStreamRequest:
        """The first message of a connection."""
        self.opened = False
        message = append.AppendOpen(producer_id=self.producer_id, epoch=self.epoch)
        if self.last is not None and self.last.position:
            message.position.value = self.last.position
        return append.AppendStreamRequest(open=message)

    @property
    def room(self) -> bool:
        """Whether one more batch may be sent now."""
        return self.opened and len(self.waiting) < self.max_in_flight

    def add(self, batch: append.AppendBatch) -> append.AppendStreamRequest:
        """A new batch as message; it waits from now on."""
        self.sequence += 1
        batch.sequence = self.sequence
        self.waiting.append(batch)
        return append.AppendStreamRequest(batch=batch)

    def take(self, response: append.AppendStreamResponse) -> list[append.AppendStreamRequest]:
        """What to send after a response. Raises for a batch that was refused."""
        self.attempt = 0
        match response.WhichOneof("message"):
            case "opened":
                return self._opened(response.opened)
            case "ack":
                self._acknowledge(response.ack)
        return []

    def _opened(self, opened: append.AppendOpened) -> list[append.AppendStreamRequest]:
        self.opened = True
        self.epoch = opened.epoch
        self.max_in_flight = max(1, opened.max_in_flight)
        if not self.started:
            self.started = True
            self.sequence = opened.last_sequence
        # Batches that were written although their acknowledgement was lost are sent too: the answer `duplicate` has their position.
        return [append.AppendStreamRequest(batch=batch) for batch in self.waiting]

    def _acknowledge(self, ack: append.AppendAck) -> None:
        if not self.waiting or self.waiting[0].sequence != ack.sequence:
            raise PenstockError(f"acknowledgement {ack.sequence} does not follow the batches that were sent")
        self.waiting.popleft()
        self.last = acknowledged(ack, self.skip_invalid)
        self.appended += self.last.appended

    def failed(self, error: PenstockError) -> float:
        """Seconds until the next connection; raises when a repeat does not help."""
        accepted, self.opened = self.opened, False
        self.attempt += 1
        if not transient(error, accepted) or (not self.started and self.attempt >= self.retry.attempts):
            raise error
        return self.retry.wait(self.attempt, error)
