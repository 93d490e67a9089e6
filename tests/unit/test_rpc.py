"""The gRPC server of the gateway, called by grpc.aio's client: answers, streams, refusals, cancellation, deadlines, stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from penstock.api.rpc.server import Server


class Handlers:
    """Methods over bytes. log: what became of calls."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.ended = asyncio.Event()

    async def echo(self, request: bytes, context: Any) -> bytes:
        match request:
            case b"abort":
                await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no", (("x-bin", b"\0\1"),))
            case b"raise":
                raise ValueError("a fault")
            case b"wait":
                await self._until_cancelled()
        left = context.time_remaining()
        metadata = dict(context.invocation_metadata())
        return request + b"|" + str(metadata.get("who", "")).encode() + (b"|deadline" if left is not None else b"")

    async def count(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        try:
            n = 0
            while request == b"endless" or n < int(request):
                yield b"%d" % n + (b"x" * 50_000 if request == b"endless" else b"")
                n += 1
        finally:
            self.log.append("closed")
            self.ended.set()

    async def double(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            if request == b"abort":
                await context.abort(grpc.StatusCode.ABORTED, "fenced")
            yield request * 2

    async def _until_cancelled(self) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.log.append("cancelled")
            self.ended.set()
            raise


def _prompt(request: bytes, context: Any) -> bytes | None:
    return b"at once" if request == b"prompt" else None


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Handlers, Server, grpc.aio.Channel]]:
    server, handlers = Server((("grpc.max_receive_message_length", 1000),)), Handlers()

    async def echo(request: bytes, context: Any) -> bytes:
        return await handlers.echo(request, context)

    echo.prompt = _prompt  # type: ignore[attr-defined]
    same = {"request_deserializer": bytes, "response_serializer": bytes}
    server.add_registered_method_handlers("t.T", {
        "Echo": grpc.unary_unary_rpc_method_handler(echo, **same), "Count": grpc.unary_stream_rpc_method_handler(handlers.count, **same),
        "Double": grpc.stream_stream_rpc_method_handler(handlers.double, **same),
    })
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    try:
        yield handlers, server, channel
    finally:
        await channel.close()
        await server.stop(0.5)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as e:
        await call
    return e.value


async def test_unary_calls_are_answered_with_metadata_and_deadline() -> None:
    async with serving() as (_, _, channel):
        echo = channel.unary_unary("/t.T/Echo")
        assert await echo(b"a") == b"a|"
        assert await echo(b"a", timeout=5, metadata=(("who", "me"),)) == b"a|me|deadline"
        assert await asyncio.gather(*(echo(b"%d" % n) for n in range(500))) == [b"%d|" % n for n in range(500)]


async def test_what_is_answered_without_waiting_does_not_reach_the_handler() -> None:
    async with serving() as (_, _, channel):
        assert await channel.unary_unary("/t.T/Echo")(b"prompt") == b"at once"


async def test_refusals_carry_code_text_and_details() -> None:
    async with serving() as (_, _, channel):
        error = await refused(channel.unary_unary("/t.T/Echo")(b"abort"))
        assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "no")
        assert dict(error.trailing_metadata()) == {"x-bin": b"\0\1"}  # type: ignore[call-overload]
        assert (await refused(channel.unary_unary("/t.T/Nothing")(b""))).code() is grpc.StatusCode.UNIMPLEMENTED
        assert (await refused(channel.unary_unary("/t.T/Echo")(b"x" * 2000))).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await refused(channel.unary_unary("/t.T/Echo")(b"raise"))).code() is grpc.StatusCode.UNKNOWN


async def test_a_deadline_or_a_cancelling_client_cancels_the_handler() -> None:
    async with serving() as (handlers, _, channel):
        error = await refused(channel.unary_unary("/t.T/Echo")(b"wait", timeout=0.2))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(handlers.ended.wait(), 5)
        handlers.ended.clear()
        call = channel.unary_unary("/t.T/Echo")(b"wait")
        await asyncio.sleep(0.2)
        call.cancel()
        await asyncio.wait_for(handlers.ended.wait(), 5)
        assert handlers.log == ["cancelled", "cancelled"]


async def test_streams_come_in_order_and_their_generator_is_closed() -> None:
    async with serving() as (handlers, _, channel):
        assert [m async for m in channel.unary_stream("/t.T/Count")(b"300")] == [b"%d" % n for n in range(300)]
        assert handlers.log == ["closed"]
        handlers.ended.clear()
        call = channel.unary_stream("/t.T/Count")(b"endless")
        assert (await call.read())[:1] == b"0"
        await asyncio.sleep(0.2)  # the writer waits for this slow reader now
        call.cancel()
        await asyncio.wait_for(handlers.ended.wait(), 5)
        assert handlers.log == ["closed", "closed"]


async def test_both_ways() -> None:
    async with serving() as (_, _, channel):
        call = channel.stream_stream("/t.T/Double")()
        for n in range(100):
            await call.write(b"%d" % n)
            assert await call.read() == b"%d" % n * 2
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF and await call.code() is grpc.StatusCode.OK
        call = channel.stream_stream("/t.T/Double")()
        await call.write(b"abort")
        assert await call.code() is grpc.StatusCode.ABORTED and await call.details() == "fenced"


async def test_stopping_lets_calls_end_then_cancels_them() -> None:
    async with serving() as (handlers, server, channel):
        waiting = asyncio.ensure_future(refused(channel.unary_unary("/t.T/Echo")(b"wait")))
        await asyncio.sleep(0.2)
        stopping = asyncio.ensure_future(server.stop(0.3))
        assert (await waiting).code() is grpc.StatusCode.UNAVAILABLE
        await asyncio.wait_for(stopping, 5)
        assert handlers.log == ["cancelled"]
        server.stop = lambda grace: asyncio.sleep(0)  # type: ignore[assignment,method-assign]
