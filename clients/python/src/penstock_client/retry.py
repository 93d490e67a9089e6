"""When and how long to wait before a call is repeated: a pure decision, shared by both clients."""

from __future__ import annotations

import random
from dataclasses import dataclass

import grpc

from penstock_client._error import PenstockError


@dataclass(frozen=True, slots=True)
class Retry:
    """Settings of repetition. attempts counts the first call; waits grow from `first` to `longest` seconds, each drawn at random from
    the upper half of its step, so that many clients do not come back together. Together some eight seconds: a node is back by then."""

    attempts: int = 10
    first: float = 0.05
    longest: float = 2.0

    def wait(self, attempt: int, error: PenstockError) -> float:
        """Seconds to wait after attempt number `attempt` (from 1), at least what the service asked for."""
        step = min(self.longest, self.first * 2.0 ** min(attempt - 1, 30))
        return max(step * random.uniform(0.5, 1.0), error.retry_after or 0.0)

    def again(self, attempt: int, error: PenstockError) -> float | None:
        """Seconds until the next attempt, None to give up."""
        return self.wait(attempt, error) if transient(error) and attempt < self.attempts else None


NO_RETRY = Retry(attempts=1)


def transient(error: PenstockError, accepted: bool = False) -> bool:
    """Whether a repeat may succeed. accepted: the service had accepted the call, so credentials that it does not take any more have expired, and the
    next call takes new ones where the application gives any. gRPC servers answer bursts of new streams with CANCELLED, which this client never asked for; an
    INTERNAL without a reason is the gRPC library's own, for a stream that broke while it was opened."""
    if accepted and error.reason == "CREDENTIALS_INVALID":
        return True
    if error.code is grpc.StatusCode.INTERNAL:
        return not error.reason
    return error.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
