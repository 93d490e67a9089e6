"""Functions of expressions that your own program computes.

    def distance(place, other): ...

    client.create_function(function("DISTANCE", "STRING, STRING -> DOUBLE", deterministic=True, cache_rows=10_000))
    Worker("127.0.0.1:7550", functions={"DISTANCE": distance}).run()

Then `CREATE STREAM near AS SELECT id, DISTANCE(place, home) AS km FROM trips` and the expressions of topologies call it. A function is called with the
arguments of each row and gives its result, or is an object with `compute(columns)`, called with lists of the arguments, one list an argument, which gives
a list of the results. A row for which a function raises is a bad record; RetryBundle, and whatever compute raises, has all rows come again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from penstock_client.gen.penstock.v1 import processor_service_pb2 as pb
from penstock_client.processing import Failed, Node, RetryBundle, filled_columns, told
from penstock_client.row import batch_of

log = logging.getLogger("penstock.worker")

RESULT = "result"


class BatchFunction(Protocol):
    """A function of many rows at once."""

    def compute(self, columns: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """A result for each place of the lists."""


Function = Callable[..., Any] | BatchFunction
"""A function of the arguments of a row, or an object with compute."""


def served(name: str) -> tuple[str, int]:
    """(name, version) of `NAME` or `NAME/version`."""
    name, _, version = name.partition("/")
    return name.upper(), int(version or 1)


def results(function: Function, columns: Sequence[Sequence[Any]], count: int) -> Sequence[Any] | Failed:
    """What a function makes of the arguments of `count` rows; for tests too."""
    compute = getattr(function, "compute", None)
    if compute is not None:
        try:
            found: Sequence[Any] = compute(columns)
        except Exception as e:
            return Failed((), told(e))
        return found if len(found) == count else Failed((), f"compute gave {len(found)} results for {count} rows")
    made: list[Any] = []
    bad: list[int] = []
    reason = ""
    for index, arguments in enumerate(zip(*columns, strict=True)):
        try:
            made.append(function(*arguments))  # type: ignore[operator]
        except RetryBundle as e:
            return Failed((), str(e) or "the function asked for another try")
        except Exception as e:
            bad.append(index)
            reason = reason or told(e)
    return Failed(tuple(bad), reason) if bad else made


def answer(function: Function, node: Node, message: pb.Bundle) -> pb.ProcessRequest:
    """What a function makes of a bundle of calls."""
    rows = batch_of(node.input, message.rows)
    found = results(function, [rows.column(name) for name in node.input.names], len(rows))
    if not isinstance(found, Failed):
        result = pb.BundleResult(lease=message.lease, bundle=message.bundle)
        schema = node.outputs[RESULT]
        try:
            filled_columns(result.outputs.add(output=RESULT).rows, schema, RESULT, [found], len(found))
            return pb.ProcessRequest(result=result)
        except (TypeError, ValueError) as e:
            found = Failed((), f"what the function gave does not fit: {e}")
    log.warning("%s.%s: %s", node.topology, node.node, found.reason)
    return pb.ProcessRequest(failure=pb.BundleFailure(lease=message.lease, bundle=message.bundle, poison_rows=found.rows, message=found.reason))
