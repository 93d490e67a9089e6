"""The gateway's gRPC server, on the C core that grpc.aio and grpc.server stand on as well.

Of a lookup's 350 us of CPU under grpc.aio some 300 are asyncio's: each of a call's four completions wakes the event loop and resolves a
future of its own. Here a thread takes completions from the core, and the loop hears of what it has to act on only: one turn for a unary
call. What can be answered without waiting (`prompt`) is answered in that turn, the rest runs in a task. Handlers run in the loop's thread,
always; they are the servicers that grpc.aio would run, added by the same generated functions.

    core.py      completion queue, its thread, the way into the loop
    call.py      one call: what a handler sees of it, its beginning, its messages, its end
    server.py    methods, ports, start and stop
"""
