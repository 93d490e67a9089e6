from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import Bench


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def on_either_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench without topics on the embedded log, and on Kafka. Topics of a test are named for its service, `bench.config.service_id`."""
    if request.param == "kafka":
        broker = request.getfixturevalue("kafka_broker")
        bench = Bench.on_kafka(broker, tmp_path)
    else:
        bench = Bench(tmp_path)
    await bench.open()
    yield bench
    if bench._worker is not None and not bench._worker.done():
        await bench.stop()
    await bench.close()
