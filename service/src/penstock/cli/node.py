"""Commands that run something here: serve, demo, test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.failure import FAILED, USAGE
from penstock.cli.options import DEFAULT_ADDRESS, Json


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(demo)
    app.command()(test)


def serve(
    listen: Annotated[str, typer.Option("--listen", envvar="PENSTOCK_LISTEN", help="HOST:PORT of the API.")] = DEFAULT_ADDRESS,
    data: Annotated[str, typer.Option("--data", envvar="PENSTOCK_DATA", help="Directory of state and of the embedded log.")] = "./penstock-data",
    kafka: Annotated[str, typer.Option("--kafka", metavar="HOST:PORT,...", help="Kafka brokers; without it the embedded log.")] = "",
    kafka_config: Annotated[
        Path | None, typer.Option("--kafka-config", metavar="FILE", help="Kafka's own properties, such as security.protocol.")
    ] = None,
    schema_registry: Annotated[
        str, typer.Option("--schema-registry", metavar="URL,...", help="Schema registry; without it the service's own.")
    ] = "",
    schema_registry_config: Annotated[
        Path | None, typer.Option("--schema-registry-config", metavar="FILE", help="ksqlDB's properties ksql.schema.registry.*, such as basic.auth.user.info.")
    ] = None,
    schema_registry_listen: Annotated[
        str, typer.Option("--schema-registry-listen", metavar="HOST:PORT", help="REST API of the service's own schema registry; by default the port after --listen; none: nowhere.")
    ] = "",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Worker processes; 0 means one a core but one.")] = 0,
    node_id: Annotated[str, typer.Option("--node-id", metavar="ID", help="Names this node among those on the same Kafka; by default its data directory keeps one.")] = "",
    advertise: Annotated[str, typer.Option("--advertise", metavar="HOST:PORT", help="Where clients and other nodes reach this one; by default --listen.")] = "",
    rack: Annotated[str, typer.Option("--rack", help="Where this node stands: standbys go to other racks.")] = "",
    service_id: Annotated[str, typer.Option("--service-id", help="Namespace of topics and groups on Kafka.")] = "penstock",
    partitions: Annotated[int, typer.Option("--partitions", min=1, help="Of topics created without a number.")] = 4,
    replication: Annotated[int, typer.Option("--replication", metavar="N", help="Of topics created without a number, on Kafka; on fewer brokers one on each.")] = 3,
    store_size: Annotated[int, typer.Option("--store-size", metavar="MIB", help="Most that one task's state may take on disk.")] = 8192,
    standbys: Annotated[int, typer.Option("--standbys", metavar="N", help="Copies of each task's state that follow on other nodes, on Kafka.")] = 0,
    acceptable_lag: Annotated[int, typer.Option("--acceptable-lag", metavar="RECORDS", help="What such a copy may miss and still take over.")] = 10_000,
    push_queries: Annotated[int, typer.Option("--push-queries", metavar="N", min=0, help="Most push queries with topologies of their own at once on this node.")] = 100,
    metrics: Annotated[str, typer.Option("--metrics", metavar="HOST:PORT", help="Serve Prometheus metrics here.")] = "",
    otlp: Annotated[str, typer.Option("--otlp", metavar="URL", help="Send metrics to this OpenTelemetry collector.")] = "",
    tls_cert: Annotated[str, typer.Option("--tls-cert", metavar="FILE", help="PEM certificate of this node, its chain after it; read anew when it changes.")] = "",
    tls_key: Annotated[str, typer.Option("--tls-key", metavar="FILE", help="Its PEM key.")] = "",
    tls_ca: Annotated[str, typer.Option("--tls-ca", metavar="FILE", help="PEM authorities by which clients' and other nodes' certificates are checked.")] = "",
    tls_client_certificates: Annotated[bool, typer.Option("--tls-client-certificates", help="Every client must show a certificate of --tls-ca.")] = False,
    peer_listen: Annotated[str, typer.Option("--peer-listen", metavar="HOST:PORT", help="Address for the service's other nodes, which must show certificates there.")] = "",
    tokens: Annotated[str, typer.Option("--tokens", metavar="FILE", help="Who may do what: lines of `penstock token new`; read anew when it changes.")] = "",
    jwks: Annotated[str, typer.Option("--jwks", metavar="FILE", help="JSON Web Key Set by which JWTs are checked (RS256, ES256); read anew when it changes.")] = "",
    jwt_audience: Annotated[str, typer.Option("--jwt-audience", metavar="TEXT", help="The aud of JWTs for this service.")] = "",
    jwt_issuer: Annotated[str, typer.Option("--jwt-issuer", metavar="TEXT", help="The iss of JWTs.")] = "",
    audit: Annotated[str, typer.Option("--audit", metavar="FILE", help="Write the audit here instead of into the log.")] = "",
    insecure: Annotated[bool, typer.Option("--insecure", help="Listen beyond this machine without TLS and authentication.")] = False,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
    log_json: Annotated[bool, typer.Option("--log-json", help="Log JSON lines.")] = False,
) -> None:
    """Start a node: a gateway and its workers. Ends on SIGTERM or Ctrl-C, after a commit."""
    from penstock.config import ConfigError, ServeConfig, check
    from penstock.node.supervisor import run_node
    from penstock.schemas.settings import parse, registry_properties

    try:
        properties = _properties("--kafka-config", kafka_config)
        schema_properties = registry_properties({**properties, **_properties("--schema-registry-config", schema_registry_config)})
        config = ServeConfig(
            listen=listen,
            data_dir=data,
            kafka=kafka,
            kafka_properties={k: v for k, v in properties.items() if not registry_properties({k: v})},
            schema_registry={**schema_properties, **({"url": schema_registry} if schema_registry else {})},
            schema_registry_listen=schema_registry_listen,
            workers=workers,
            service_id=service_id,
            node_id=node_id,
            advertise=advertise,
            rack=rack,
            default_partitions=partitions,
            replication=replication,
            store_mib=store_size,
            standbys=standbys,
            acceptable_lag=acceptable_lag,
            push_queries=push_queries,
            metrics=metrics,
            otlp=otlp,
            insecure=insecure,
            tls_cert=tls_cert,
            tls_key=tls_key,
            tls_ca=tls_ca,
            tls_client_certificates=tls_client_certificates,
            peer_listen=peer_listen,
            tokens=tokens,
            jwks=jwks,
            jwt_audience=jwt_audience,
            jwt_issuer=jwt_issuer,
            audit=audit,
            log_level=log_level.lower(),
            log_json=log_json,
        )
        check(config)
        parse(config.schema_registry)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(USAGE) from None
    raise typer.Exit(run_node(config))


def _properties(option: str, path: Path | None) -> dict[str, str]:
    """What a file of an option says; nothing without one. Raises ConfigError when it cannot be read."""
    from penstock.config import ConfigError

    try:
        return read_properties(path) if path is not None else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option} {path}: it cannot be read: {getattr(error, 'strerror', None) or error}") from error


def read_properties(path: Path) -> dict[str, str]:
    """A Kafka properties file: `name=value` or `name: value`, comments with # or !, lines continued by a backslash."""
    lines = path.read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    out: dict[str, str] = {}
    for line in (raw.strip() for raw in lines):
        if not line or line[0] in "#!":
            continue
        place = min((i for i in (line.find("="), line.find(":")) if i >= 0), default=len(line))
        out[line[:place].strip()] = line[place + 1 :].strip()
    return out


def demo(
    name: Annotated[str, typer.Argument(help="Which demo; --list shows them.")] = "purchases",
    list_: Annotated[bool, typer.Option("--list", help="List the demos.")] = False,
) -> None:
    """Run a demo from beginning to end, on a service of its own."""
    if importlib.util.find_spec("penstock.cli.demo") is None:
        print("error: this build has no demos", file=sys.stderr)
        raise typer.Exit(FAILED)
    demos = importlib.import_module("penstock.cli.demo")
    if list_:
        for line in demos.listing():
            print(line)
        return
    raise typer.Exit(demos.run(name))


def test(
    paths: Annotated[list[Path], typer.Argument(help="Files of cases, or directories of them.", exists=True)],
    json: Json = False,
    plugins: Annotated[list[Path] | None, typer.Option("--plugins", help="A directory with plug-ins and their *.dist-info, as pip would leave "
                                                       "them, that need not be installed; may be repeated.", exists=True, file_okay=False)] = None,
) -> None:
    """Run topology cases (YAML) without a broker: inputs, expected outputs, tables or error."""
    sys.path[:0] = [str(path.resolve()) for path in plugins or ()]  # before the first look for entry points
    from penstock.cli.testcases import run_cases

    raise typer.Exit(run_cases([str(path) for path in paths], json))
