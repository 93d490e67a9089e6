"""Which log a node runs on: the one place that knows both."""

from __future__ import annotations

from penstock.config import ConfigError, ServeConfig
from penstock.errors import RequestError
from penstock.log.embedded.wakeups import Notices
from penstock.log.port import Log


async def open_log(config: ServeConfig, process: str, notices: Notices | None = None) -> Log:
    """The embedded log below the data directory, or Kafka when bootstrap servers were given. process names this process ("gateway",
    "w0"). Raises LogError. On Kafka it returns also when no broker answers yet: healthy() says so, calls raise LogUnavailable."""
    if config.kafka:
        from penstock.log.kafka.log import open_kafka
        from penstock.log.kafka.membership import Timing

        properties, session = _session(config)
        timing = Timing(session=session, heartbeat=max(100, min(1_000, session // 6)))
        name = f"{config.node_id}-{process}" if config.node_id else process
        return await open_kafka(config.kafka, properties, process=name, service=config.service_id, timing=timing,
                                replication=config.replication)
    from penstock.log.embedded import open_embedded

    return await open_embedded(config.data / "log", process=process, notices=notices)


def check(config: ServeConfig) -> None:
    """Raise ConfigError for Kafka settings that cannot work, before anything is started."""
    if config.kafka:
        from penstock.log.kafka import security

        properties, _ = _session(config)
        try:
            security.parse(config.kafka, properties)
        except RequestError as e:
            raise ConfigError(f"--kafka {config.kafka}: {e.message}") from e


def _session(config: ServeConfig) -> tuple[dict[str, str], int]:
    """Kafka's properties without the session timeout, and that one in ms."""
    properties = dict(config.kafka_properties)
    text = properties.pop("session.timeout.ms", str(config.session_timeout_ms))
    if not text.isdigit() or int(text) < 500:
        raise ConfigError(f"--kafka-config: session.timeout.ms is {text!r}; it is milliseconds, at least 500")
    return properties, int(text)
