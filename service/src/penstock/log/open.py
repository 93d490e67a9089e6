"""Which log a node runs on: the one place that knows both."""

from __future__ import annotations

from penstock.config import ServeConfig
from penstock.log.embedded.wakeups import Notices
from penstock.log.port import Log


async def open_log(config: ServeConfig, process: str, notices: Notices | None = None) -> Log:
    """The embedded log below the data directory, or Kafka when bootstrap servers were given. process names this process ("gateway",
    "w0"). Raises LogError. On Kafka it returns also when no broker answers yet: healthy() says so, calls raise LogUnavailable."""
    if config.kafka:
        from penstock.log.kafka.log import open_kafka
        from penstock.log.kafka.membership import Timing

        properties = dict(config.kafka_properties)
        session = int(properties.pop("session.timeout.ms", config.session_timeout_ms))
        timing = Timing(session=session, heartbeat=max(100, min(1_000, session // 6)))
        return await open_kafka(config.kafka, properties, process=process, service=config.service_id, timing=timing)
    from penstock.log.embedded import open_embedded

    return await open_embedded(config.data / "log", process=process, notices=notices)
