"""PRINT: the records of a topic as they are, keys and values as text."""

from __future__ import annotations

from collections.abc import AsyncIterator

from penstock_client.gen.penstock.v1 import position_pb2
from penstock_client.gen.penstock.v1 import subscription_service_pb2 as pb

from penstock.errors import RequestError
from penstock.log.port import TopicPartition
from penstock.serving.gateway import Gateway
from penstock.serving.rows import Row, layout
from penstock.sql.tree import Print
from penstock.types import sqltype as t
from penstock.types.schema import Column

COLUMNS = (Column("ROWTIME", t.BIGINT), Column("PARTITION", t.INT), Column("OFFSET", t.BIGINT), Column("KEY", t.STRING), Column("VALUE", t.STRING))
SILENCE_SECONDS = 10.0


class Printing:
    """Prints topics of a gateway's log."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def events(self, statement: Print, limit: int) -> AsyncIterator[pb.Event]:
        """Rows of ROWTIME, PARTITION, OFFSET, KEY and VALUE until the limit is reached or the client goes. Raises UNKNOWN_TOPIC, LogError."""
        log = self._gateway.log
        info = (await log.topics([statement.topic])).get(statement.topic)
        if info is None:
            near = [name for name in await log.topics() if name.lower() == statement.topic.lower()]
            raise RequestError("UNKNOWN_TOPIC", f"topic {statement.topic} does not exist" + (f"; did you mean {near[0]}?" if near else ""),
                               {"topic": statement.topic})
        tps = [TopicPartition(info.name, p) for p in range(info.partitions)]
        starts = await (log.earliest(tps) if statement.beginning else log.ends(tps))
        left = min((n for n in (statement.limit, limit) if n), default=0)
        shown, seen = layout(COLUMNS, False), 0
        yield pb.Event(schema=shown.message)
        reader = log.reader()
        reader.add(starts)
        next_ = {tp.partition: offset for tp, offset in starts.items()}
        try:
            while True:
                rows: list[Row] = []
                for chunk in await reader.poll(SILENCE_SECONDS):
                    next_[chunk.tp.partition] = chunk.next
                    for record in chunk.records:
                        seen += 1
                        if (seen - 1) % statement.every == 0:
                            rows.append((record.timestamp, chunk.tp.partition, record.offset, text_of(record.key), text_of(record.value)))
                rows = rows[:left] if left else rows
                position = position_pb2.PositionToken(value=await self._gateway.token({info.name: next_}))
                if rows:
                    yield pb.Event(rows=pb.Rows(batch=shown.encode(rows), position=position))
                    if left:
                        left -= len(rows)
                        if not left:
                            yield pb.Event(end=pb.End(reason=pb.END_REASON_COMPLETED, position=position))
                            return
                else:
                    yield pb.Event(progress=pb.Progress(position=position))
        finally:
            await reader.close()


def text_of(data: bytes | None) -> str | None:
    """Bytes as text: UTF-8 where they are printable, a number where they are as long as one and begin as one, else hexadecimal."""
    if data is None:
        return None
    try:
        text = data.decode()
        if text.isprintable() or all(c.isprintable() or c in "\r\n\t" for c in text):
            return text
    except UnicodeDecodeError:
        pass
    if len(data) in (4, 8) and data[:2] in (b"\0\0", b"\xff\xff"):
        return str(int.from_bytes(data, "big", signed=True))
    return "0x" + data.hex()


