"""ProcessorService: programs dial in to process rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
from penstock_client.gen.penstock.v1 import processor_service_pb2 as pb
from penstock_client.gen.penstock.v1 import processor_service_pb2_grpc

from penstock.api.host import Host
from penstock.engine.processors.bundles import served_function
from penstock.errors import RequestError
from penstock.security.principal import caller
from penstock.serving.programs import Program, Programs

METHODS = {"Process": "stream"}
MOST_NAMES, MOST_IN_FLIGHT, DEFAULT_IN_FLIGHT = 1000, 1000, 4


class ProcessorServicer(processor_service_pb2_grpc.ProcessorServiceServicer):
    """See the proto file."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def Process(self, requests: AsyncIterator[pb.ProcessRequest], context: grpc.aio.ServicerContext) -> AsyncIterator[pb.ProcessResponse]:
        first = await anext(requests, None)
        if first is None:
            return
        hello = _hello(first)
        programs = self._host.programs
        program = programs.join([*hello.processors, *(served_function(f.name, f.version or 1) for f in hello.functions)], hello.max_in_flight or DEFAULT_IN_FLIGHT, hello.build, hello.timers, caller())
        listening = asyncio.create_task(_listen(programs, program, requests), name="program")
        listening.add_done_callback(lambda done: program.outgoing.put_nowait(None))
        try:
            while (response := await program.outgoing.get()) is not None:
                yield response
            if listening.done():
                await listening  # raises what was wrong with a request
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            programs.leave(program)


async def _listen(programs: Programs, program: Program, requests: AsyncIterator[pb.ProcessRequest]) -> None:
    async for request in requests:
        match request.WhichOneof("message"):
            case "result":
                programs.result(program, request.result)
            case "failure":
                programs.failure(program, request.failure)
            case "extend":
                programs.extend(program, request.extend)
            case _:
                raise RequestError("INVALID_ARGUMENT", "hello comes first, once, then answers", {"field": "message"})


def _hello(request: pb.ProcessRequest) -> pb.WorkerHello:
    hello = request.hello
    if request.WhichOneof("message") != "hello":
        raise RequestError("INVALID_ARGUMENT", "hello comes first, once, then answers", {"field": "message"})
    count = len(hello.processors) + len(hello.functions)
    if not 1 <= count <= MOST_NAMES:
        raise RequestError("INVALID_ARGUMENT", f"hello names {count} processors and functions; 1 to {MOST_NAMES}", {"field": "hello.processors"})
    if hello.max_in_flight > MOST_IN_FLIGHT:
        raise RequestError("INVALID_ARGUMENT", f"max_in_flight is {hello.max_in_flight}; at most {MOST_IN_FLIGHT}", {"field": "hello.max_in_flight"})
    return hello
