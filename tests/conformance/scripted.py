"""A service that refuses every GetTopology with the reason that the topology's name is, as errors.proto documents it."""

from __future__ import annotations

import re
import sys
from collections import Counter
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from penstock_client.gen.penstock.v1 import errors_pb2, topology_service_pb2, topology_service_pb2_grpc
from stage import Stage

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "proto"))

from reasons import Reason, reasons

RETRY_MS = 20
NEWER = "OF_A_NEWER_SERVICE"
DOCUMENTED = {reason.name: reason for reason in reasons(Path(__file__).resolve().parents[2] / "proto")}


def code_of(reason: Reason) -> grpc.StatusCode:
    """The code that the reason's comment begins with."""
    return grpc.StatusCode[re.split(r"[^A-Z_]", reason.text, maxsplit=1)[0]]


def helps_later(reason: Reason) -> bool:
    """Whether it comes with RetryInfo."""
    return "with RetryInfo" in reason.text


class _Refusing(topology_service_pb2_grpc.TopologyServiceServicer):
    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def GetTopology(self, request: topology_service_pb2.GetTopologyRequest, context: grpc.ServicerContext) -> topology_service_pb2.GetTopologyResponse:
        self.calls[request.name] += 1
        context.abort_with_status(rpc_status.to_status(refusal(request.name)))
        raise AssertionError("abort_with_status raises")


def refusal(name: str) -> status_pb2.Status:
    """The status of a reason; of NEWER as no release has it."""
    reason = DOCUMENTED.get(name)
    code = grpc.StatusCode.ABORTED if reason is None else code_of(reason)
    info = error_details_pb2.ErrorInfo(reason=f"ERROR_REASON_{name}", domain="penstock.v1", metadata={"topology": name})
    details: list[Any] = [info]
    if reason is not None and helps_later(reason):
        details.append(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(nanos=RETRY_MS * 1_000_000)))
    if reason is not None and "ExpressionError" in reason.text:
        details.append(errors_pb2.ExpressionError(field="name", node="n", start=3, end=5, message="here"))
    status = status_pb2.Status(code=code.value[0], message=f"refused: {name}")
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


class ScriptedStage(Stage):
    """See the module docstring. It counts the calls for each reason."""

    def __init__(self) -> None:
        self._service = _Refusing()
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        topology_service_pb2_grpc.add_TopologyServiceServicer_to_server(self._service, self._server)  # type: ignore[no-untyped-call]
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        super().__init__(f"127.0.0.1:{port}", {})
        self.answers |= {"reasons": self._reasons, "calls": self._calls}

    def close(self) -> None:
        """Stop it."""
        super().close()
        self._server.stop(0).wait()

    def reset(self) -> None:
        """Also forget the counts."""
        super().reset()
        self._service.calls.clear()

    def _reasons(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"reasons": [*DOCUMENTED, NEWER]}

    def _calls(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"calls": dict(self._service.calls)}
