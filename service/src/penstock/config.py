"""Settings of a node, parsed and checked once. Everything below the command line gets this value and nothing else."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from penstock.errors import PenstockError

DEFAULT_LISTEN = "127.0.0.1:7550"
DEFAULT_DATA = "./penstock-data"
LOG_LEVELS = ("debug", "info", "warning", "error")
SMALLEST_STORE_MIB, LARGEST_STORE_MIB = 1, 262_144
"""A process has 128 TiB of addresses: at the largest, some 500 tasks are too many for it."""
LARGEST_STANDBYS = 8
LARGEST_REPLICATION = 15
SERVICE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
WILDCARDS = ("0.0.0.0", "::", "")
NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ConfigError(PenstockError):
    """A setting that cannot be used: one line for the operator, exit code 2."""


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """What `penstock serve` runs with.

    listen: host:port of the API. data_dir: state, embedded log, sockets. kafka: bootstrap servers, empty for the embedded log;
    kafka_properties: Kafka's own property names. workers: processes that run tasks. service_id: the namespace on a Kafka cluster.
    metrics: host:port for Prometheus, empty for none. otlp: endpoint of an OpenTelemetry collector, empty for none.
    insecure: allow an address beyond loopback without TLS and authentication. session_timeout_ms: how long a silent worker keeps its
    tasks on Kafka. default_partitions: of topics created without a number. replication: likewise, on Kafka, or as many
    as there are brokers. store_mib: what the stores of one task may take, in MiB; files
    grow as needed, the address space of each is taken at once. standbys: copies of each task's state that follow on other nodes;
    acceptable_lag: changelog records that such a copy may miss and still take over (on Kafka). push_queries: most push queries with topologies of
    their own that run at once on this node. schema_registry: how it is reached, by the names after `schema.registry.`
    (schemas/settings.py); empty for the service's own, whose REST API is at schema_registry_listen: host:port, "" for the port after that
    of `listen`, "none" for nowhere. node_id: names this node among those of the service, empty for the one that its data directory was
    given. advertise: host:port at which clients and other nodes reach it, empty for `listen`. rack: where it stands.
    tls_cert, tls_key: PEM files; empty for plain text. tls_ca: whom clients' certificates and other nodes' are checked by.
    tls_client_certificates: every client must have one. peer_listen: host:port for other nodes, which always must; empty for none.
    tokens: the file of principals (security/principals_file.py), empty for no authentication; jwks with jwt_audience and jwt_issuer: for
    JWTs. audit: a file of its own for the audit, empty for the log.
    """

    listen: str = DEFAULT_LISTEN
    data_dir: str = DEFAULT_DATA
    kafka: str = ""
    kafka_properties: Mapping[str, str] = field(default_factory=dict)
    workers: int = 0
    service_id: str = "penstock"
    metrics: str = ""
    otlp: str = ""
    insecure: bool = False
    tls_cert: str = ""
    tls_key: str = ""
    tls_ca: str = ""
    tls_client_certificates: bool = False
    peer_listen: str = ""
    tokens: str = ""
    jwks: str = ""
    jwt_audience: str = ""
    jwt_issuer: str = ""
    audit: str = ""
    log_level: str = "info"
    log_json: bool = False
    session_timeout_ms: int = 10_000
    default_partitions: int = 4
    store_mib: int = 8192
    replication: int = 3
    standbys: int = 0
    acceptable_lag: int = 10_000
    push_queries: int = 100
    schema_registry: Mapping[str, str] = field(default_factory=dict)
    schema_registry_listen: str = ""
    node_id: str = ""
    advertise: str = ""
    rack: str = ""

    @property
    def data(self) -> Path:
        """data_dir as a path."""
        return Path(self.data_dir)

    @property
    def store_bytes(self) -> int:
        """store_mib in bytes."""
        return self.store_mib << 20

    @property
    def worker_count(self) -> int:
        """workers, or one for each core but one, at least one."""
        return self.workers or max(1, (os.cpu_count() or 2) - 1)

    @property
    def address(self) -> tuple[str, int]:
        """listen as (host, port)."""
        return split_address(self.listen, "--listen")

    @property
    def peer_address(self) -> tuple[str, int] | None:
        """peer_listen as (host, port)."""
        return split_address(self.peer_listen, "--peer-listen") if self.peer_listen else None

    @property
    def secured(self) -> bool:
        """Whether listeners have TLS and authentication."""
        return bool(self.tls_cert and self.tokens)

    @property
    def schema_address(self) -> tuple[str, int] | None:
        """Where the service's own schema registry answers REST calls; port 0: any."""
        if self.schema_registry or self.schema_registry_listen == "none":
            return None
        if self.schema_registry_listen:
            return split_address(self.schema_registry_listen, "--schema-registry-listen")
        host, port = self.address
        return host, port + 1 if 0 < port < 65535 else 0

    def to_json(self) -> str:
        """Everything."""
        return msgspec.json.encode(self).decode()

    def shown(self) -> str:
        """As to_json for a child process's command line, which every user of the machine can read: without properties, which have passwords."""
        return replace(self, kafka_properties={}, schema_registry={}).to_json()

    def hidden(self) -> str:
        """What `shown` leaves out, for the child's environment, which only the node's own user can read."""
        return msgspec.json.encode((self.kafka_properties, self.schema_registry)).decode()

    def with_hidden(self, text: str) -> ServeConfig:
        """With what `hidden` gave."""
        kafka, schemas = msgspec.json.decode(text, type=tuple[dict[str, str], dict[str, str]])
        return replace(self, kafka_properties=kafka, schema_registry=schemas)

    @staticmethod
    def from_json(text: str) -> ServeConfig:
        """What to_json wrote."""
        return msgspec.json.decode(text, type=ServeConfig)


def split_address(text: str, what: str) -> tuple[str, int]:
    """host:port; ConfigError says which option is wrong."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ConfigError(f"{what} {text!r} is not HOST:PORT, such as {DEFAULT_LISTEN}")
    return host.strip("[]"), int(port)


def check(config: ServeConfig) -> None:
    """Raise ConfigError for what cannot work."""
    _check_security(config)
    for option, place in (("--listen", config.address), ("--schema-registry-listen", config.schema_address)):
        if place is not None and not _loopback(place[0]) and not config.secured and not config.insecure:
            raise ConfigError(f"{option} {place[0]}:{place[1]} is open to other machines without TLS and authentication: give --tls-cert, --tls-key "
                              "and --tokens, or listen on 127.0.0.1, or pass --insecure on a network that you trust")
    if config.metrics:
        split_address(config.metrics, "--metrics")
    if not SERVICE_ID.fullmatch(config.service_id):
        raise ConfigError(f"--service-id {config.service_id!r}: a letter, then letters, digits or _, at most 64")
    if config.node_id and not NODE_ID.fullmatch(config.node_id):
        raise ConfigError(f"--node-id {config.node_id!r}: letters, digits, '.', '_' or '-', a letter or digit first, at most 64")
    if config.advertise and split_address(config.advertise, "--advertise")[1] == 0:
        raise ConfigError(f"--advertise {config.advertise}: others cannot reach port 0")
    if config.kafka and not config.advertise and config.address[0] in WILDCARDS:
        raise ConfigError(f"--listen {config.listen} is every address of this machine: say with --advertise HOST:PORT at which one other nodes and "
                          "clients reach it")
    if config.workers < 0 or config.workers > 256:
        raise ConfigError(f"--workers {config.workers}: 1 to 256, or 0 for one a core but one")
    if not 1 <= config.replication <= LARGEST_REPLICATION:
        raise ConfigError(f"--replication {config.replication}: 1 to {LARGEST_REPLICATION} copies of each topic on as many brokers")
    if not 0 <= config.standbys <= LARGEST_STANDBYS:
        raise ConfigError(f"--standbys {config.standbys}: 0 to {LARGEST_STANDBYS} copies of each task besides its owner's")
    if config.acceptable_lag < 0:
        raise ConfigError(f"--acceptable-lag {config.acceptable_lag}: changelog records, 0 or more")
    if not SMALLEST_STORE_MIB <= config.store_mib <= LARGEST_STORE_MIB:
        raise ConfigError(f"--store-size {config.store_mib}: {SMALLEST_STORE_MIB} to {LARGEST_STORE_MIB} MiB for each task")
    if config.log_level not in LOG_LEVELS:
        raise ConfigError(f"--log-level {config.log_level!r}: one of {', '.join(LOG_LEVELS)}")


def _check_security(config: ServeConfig) -> None:
    given = {name for name in ("tls_cert", "tls_key", "tls_ca", "tls_client_certificates", "peer_listen", "tokens", "jwks", "jwt_audience",
                               "jwt_issuer") if getattr(config, name)}
    for option, needed, why in _NEEDS:
        if option in given and needed not in given:
            raise ConfigError(f"--{option.replace('_', '-')} needs --{needed.replace('_', '-')}: {why}")
    if config.peer_address == config.address and config.address[1]:
        raise ConfigError(f"--peer-listen {config.peer_listen} is the address of --listen: other nodes have one of their own")


_NEEDS = (
    ("tls_cert", "tls_key", "a certificate is used with its key"),
    ("tls_key", "tls_cert", "a key is used with its certificate"),
    ("tls_ca", "tls_cert", "who checks others' certificates shows one"),
    ("tls_client_certificates", "tls_ca", "by it clients' certificates are checked"),
    ("tls_client_certificates", "tokens", "it says whose certificate is whose, and what they may do"),
    ("peer_listen", "tls_ca", "by it other nodes' certificates are checked"),
    ("peer_listen", "tokens", "it says which certificates are nodes'"),
    ("jwks", "tokens", "it says what the bearers of JWTs may do"),
    ("jwks", "jwt_audience", "a token for another service is none for this one"),
    ("jwks", "jwt_issuer", "a token of another issuer is none of this one"),
    ("jwt_audience", "jwks", "it is of JWTs"),
    ("jwt_issuer", "jwks", "it is of JWTs"),
)
"""(option, what it needs beside it, why)."""


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
