"""Kafka over TLS with logins, by Kafka's own property names: PLAIN and SCRAM, PEM and PKCS12 stores, a client certificate; a whole node on it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from broker import Broker, available, without_kafka
from certificates import Authority, Issued
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from penstock.errors import LogUnavailable, RequestError
from penstock.log.kafka.log import open_kafka
from penstock.log.kafka.security import parse
from penstock.log.port import TaskId
from penstock_client import Topology
from support import FAST, batch, new_topic, read_all, run, until

sys.path.insert(0, str(Path(__file__).parents[1] / "node"))
from real import RealNode

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SETTINGS = """\
listeners=SASL_SSL://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}}
advertised.listeners=SASL_SSL://127.0.0.1:{{port}}
inter.broker.listener.name=SASL_SSL
listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username="admin" password="admin-secret" user_admin="admin-secret" user_ann="ann secret";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.ssl.client.auth={auth}
ssl.keystore.type=PEM
ssl.keystore.location={identity}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
"""
USERS = ("--add-scram", "SCRAM-SHA-256=[name=bob,password=bob secret]", "--add-scram", "SCRAM-SHA-512=[name=cat,password=cat-secret]")
LOGIN = 'org.apache.kafka.common.security.{0}LoginModule required username="{1}" password="{2}";'
PASSWORD = "store secret"


@dataclass(frozen=True)
class Secured:
    """A broker that wants TLS, a login and a client certificate, and what a client may show."""

    broker: Broker
    directory: Path
    authority: Path
    client: Issued
    identity: Path  # PEM: key and certificate
    truststore: Path  # PKCS12, made by keytool as operators make it
    keystore: Path  # PKCS12

    def pem(self) -> dict[str, str]:
        """PLAIN, PEM stores."""
        return {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.jaas.config": LOGIN.format("plain.Plain", "ann", "ann secret"),
                "ssl.truststore.type": "PEM", "ssl.truststore.location": str(self.authority),
                "ssl.keystore.type": "PEM", "ssl.keystore.location": str(self.identity)}

    def pkcs12(self, mechanism: str, user: str, password: str) -> dict[str, str]:
        """SCRAM, PKCS12 stores."""
        return {"security.protocol": "SASL_SSL", "sasl.mechanism": mechanism, "sasl.jaas.config": LOGIN.format("scram.Scram", user, password),
                "ssl.truststore.type": "PKCS12", "ssl.truststore.location": str(self.truststore), "ssl.truststore.password": PASSWORD,
                "ssl.keystore.type": "PKCS12", "ssl.keystore.location": str(self.keystore), "ssl.keystore.password": PASSWORD}


def _both(directory: Path, issued: Issued) -> Path:
    path = directory / f"{issued.cert.stem}-identity.pem"
    path.write_text(issued.key.read_text() + issued.cert.read_text())
    return path


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    if reason := available() or ("" if shutil.which("keytool") else "no keytool on the PATH"):
        without_kafka(reason)
    directory = tmp_path_factory.mktemp("secured")
    authority = Authority(directory)
    client = authority.issue("penstock")
    truststore, keystore = directory / "trust.p12", directory / "key.p12"
    keytool("-importcert", "-noprompt", "-alias", "ca", "-file", str(authority.path), "-keystore", str(truststore), "-storetype", "PKCS12",
            "-storepass", PASSWORD)
    keystore.write_bytes(pkcs12.serialize_key_and_certificates(b"me", client.private, client.certificate, [authority.certificate],
                                                               serialization.BestAvailableEncryption(PASSWORD.encode())))
    server = _both(directory, authority.issue("localhost", "broker"))
    settings = SETTINGS.format(auth="required", identity=server, authority=authority.path)
    with Broker(directory / "kafka", extra=settings, format_options=USERS) as broker:
        yield Secured(broker, directory, authority.path, client, _both(directory, client), truststore, keystore)


def keytool(*arguments: str, answers: str = "") -> None:
    """Java's own."""
    subprocess.run(["keytool", *arguments], check=True, capture_output=True, input=answers, text=True)


def test_plain_with_pem_stores(secured: Secured) -> None:
    bootstrap = secured.broker.bootstrap

    async def test() -> None:
        log = await open_kafka(bootstrap, secured.pem(), process="p", service="tests", timing=FAST, patience=20)
        tps = await new_topic(log)
        writer = await log.writer(tps[0].topic)
        await writer.send(*tps[0], batch(log, "a"))
        await writer.commit("", None, lambda _: {})
        assert await read_all(log, tps) == ["a"]
        handle = log.membership("w0", "n0").join(tps[0].topic, [tps[0].topic], [TaskId(0, 0)], lambda: "", lambda: None)
        await until(lambda: handle.latest is not None)
        await writer.close()
        await log.close()

        async def fails(change: Mapping[str, str], said: str) -> None:
            wrong = {name: value for name, value in (secured.pem() | change).items() if value}
            with pytest.raises(LogUnavailable, match=said):
                await open_kafka(bootstrap, wrong, process="p", patience=1)

        await fails({"sasl.jaas.config": LOGIN.format("plain.Plain", "ann", "wrong")}, "uthentication failed")
        await fails({"ssl.truststore.location": "", "ssl.truststore.type": ""}, "certificate verify failed")

    run(test())


@pytest.mark.parametrize(("mechanism", "user", "password"), [("SCRAM-SHA-256", "bob", "bob secret"), ("SCRAM-SHA-512", "cat", "cat-secret")])
def test_scram_with_pkcs12_stores(secured: Secured, mechanism: str, user: str, password: str) -> None:
    async def test() -> None:
        log = await open_kafka(secured.broker.bootstrap, secured.pkcs12(mechanism, user, password), process="p", service="tests", timing=FAST, patience=20)
        assert await log.topics() is not None
        await log.close()
        with pytest.raises(LogUnavailable, match="uthentication failed"):
            await open_kafka(secured.broker.bootstrap, secured.pkcs12(mechanism, user, "wrong"), process="p", patience=1)

    run(test())


def test_a_java_store_is_refused_with_the_command_that_converts_it(secured: Secured) -> None:
    java = secured.directory / "java.jks"
    keytool("-importcert", "-noprompt", "-alias", "ca", "-file", str(secured.authority), "-keystore", str(java), "-storetype", "JKS", "-storepass", PASSWORD)
    given = secured.pkcs12("SCRAM-SHA-256", "bob", "bob secret") | {"ssl.truststore.location": str(java), "ssl.truststore.type": "JKS"}
    with pytest.raises(RequestError, match="only Java reads") as refused:
        parse(secured.broker.bootstrap, given)
    assert refused.value.metadata["field"] == "ssl.truststore.type"
    command = refused.value.message.split("`")[1].split()
    keytool(*command[1:], answers=f"{PASSWORD}\n{PASSWORD}\n{PASSWORD}\n")
    converted = given | {"ssl.truststore.location": command[command.index("-destkeystore") + 1], "ssl.truststore.type": "PKCS12"}
    assert parse(secured.broker.bootstrap, converted).connection["ssl_context"].cert_store_stats()["x509_ca"] == 1
    renamed = secured.directory / "modern.jks"  # what keytool makes since Java 9, whatever it is called
    shutil.copy(secured.truststore, renamed)
    assert parse(secured.broker.bootstrap, given | {"ssl.truststore.location": str(renamed)}).connection["ssl_context"] is not None
    with pytest.raises(RequestError, match="is not its password"):
        parse(secured.broker.bootstrap, converted | {"ssl.truststore.password": "wrong"})


def test_a_node_counts_exactly_once_through_it(secured: Secured) -> None:
    """Produce, process in transactions and look up, all over TLS and SCRAM; its processes do not show the password."""
    given = secured.pkcs12("SCRAM-SHA-512", "cat", "cat-secret")
    (secured.directory / "kafka.properties").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    options = ("--kafka", secured.broker.bootstrap, "--kafka-config", str(secured.directory / "kafka.properties"), "--service-id", "secured")
    with RealNode(secured.directory, *options) as node:
        node.client.create_stream("events", "K STRING KEY, N INT")
        counted = Topology("counted")
        counted.stream("events").group_by("K").aggregate(C="COUNT(*)", S="SUM(N)").to("totals")
        node.client.register_topology(counted, wait=30)
        token = node.client.append("events", [{"K": f"k{n % 3}", "N": n} for n in range(300)]).position
        row = node.client.get("totals", "k1", at_least=token, max_wait=20)
        assert row is not None and (row["C"], row["S"]) == (100, sum(range(1, 300, 3)))
        for pid in node.pids().values():
            assert b"cat-secret" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert "cat-secret" not in node.log
        assert node.stop() == 0
