"""Exports metrics.py by OpenTelemetry: to a collector (OTLP) and for Prometheus, each only when configured.

Every process of a node exports its own: with --metrics H:P the gateway answers on port P, worker w0 on P + 1, w1 on P + 2 and so on.
The SDK is imported only when something is exported, which saves a node at rest some memory in each process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from penstock import metrics
from penstock.config import ServeConfig, split_address

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.sdk.metrics import MeterProvider


def start(config: ServeConfig, process: str, index: int) -> Callable[[], None]:
    """Begin to export; the answer ends it, exporting what is left. index: this process's offset from the node's metrics port. Raises
    OSError when that port is taken."""
    if not config.metrics and not config.otlp:
        return lambda: None
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    readers: list[MetricReader] = []
    if config.metrics:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from prometheus_client import start_http_server

        host, port = split_address(config.metrics, "--metrics")
        try:
            start_http_server(port + index, host)
        except OSError as e:
            raise OSError(e.errno, f"metrics on {host}:{port + index}: {e.strerror}; choose another --metrics") from e
        readers.append(PrometheusMetricReader())
    if config.otlp:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=config.otlp, insecure=config.otlp.startswith("http://"))))
    provider = MeterProvider(readers, Resource.create({"service.name": "penstock", "service.namespace": config.service_id,
                                                       "service.instance.id": f"{config.node_id}/{process}"}))
    for metric in metrics.ALL:
        _declare(provider, metric)
    return lambda: provider.shutdown(timeout_millis=2000)


def _declare(provider: MeterProvider, metric: metrics.Metric) -> None:
    from opentelemetry.metrics import Observation

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, dict(labels)) for value, labels in metrics.read(metric)]

    meter = provider.get_meter("penstock")
    make = meter.create_observable_counter if metric.kind is metrics.Kind.COUNTER else meter.create_observable_gauge
    make(metric.name, [observe], metric.unit, metric.meaning)
