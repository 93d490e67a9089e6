"""The service's own schema registry: what a process knows of ids that another one has given, and of those that nobody has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from penstock.catalog.schema_topic import TopicSchemas, open_schema_topic
from penstock.errors import RegistryError
from penstock.formats.errors import FormatError
from penstock.log.embedded import open_embedded


async def test_an_id_is_looked_for_before_it_counts_as_missing(tmp_path: Path) -> None:
    log = await open_embedded(tmp_path / "log", process="test")
    one, other = TopicSchemas(await open_schema_topic(log, "s")), TopicSchemas(await open_schema_topic(log, "s"))
    try:
        await one.deciding(lambda s: s.register("orders-value", "AVRO", '"string"')[1])
        (given,) = one.subjects.ids
        # a statement is decided in a thread, which waits
        assert (await asyncio.to_thread(other.by_id, given)).text == '"string"'
        with pytest.raises(FormatError, match="Schema 99 not found"):
            await asyncio.to_thread(other.by_id, 99)
        # the event loop cannot: it asks again
        with pytest.raises(RegistryError, match="not known yet"):
            other.by_id(98)
        async with asyncio.timeout(10):
            while True:
                try:
                    other.by_id(98)
                except RegistryError:
                    await asyncio.sleep(0.01)
                except FormatError:
                    break
    finally:
        for schemas in (one, other):
            await schemas.close()
        await log.close()
