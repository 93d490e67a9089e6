"""TLS and SASL against a broker that wants both, by Kafka's own property names."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from broker import Broker, available, without_kafka
from penstock.errors import LogUnavailable
from penstock.log.kafka.log import open_kafka
from penstock.log.port import TaskId
from support import FAST, batch, new_topic, read_all, run, until

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SETTINGS = """\
listeners=SASL_SSL://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}}
advertised.listeners=SASL_SSL://127.0.0.1:{{port}}
inter.broker.listener.name=SASL_SSL
listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username="admin" password="admin-secret" user_admin="admin-secret" user_ann="ann secret";
ssl.keystore.type=PEM
ssl.keystore.location={identity}
ssl.truststore.type=PEM
ssl.truststore.location={certificate}
"""
LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="ann" password="{}";'


def _identity(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1: (key and certificate, certificate)."""
    key, certificate, both = directory / "key.pem", directory / "certificate.pem", directory / "identity.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj",
                    "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both, certificate


def test_tls_and_sasl(tmp_path: Path) -> None:
    if reason := available() or ("" if shutil.which("openssl") else "no openssl on the PATH"):
        without_kafka(reason)
    identity, certificate = _identity(tmp_path)
    properties = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.jaas.config": LOGIN.format("ann secret"),
                  "ssl.truststore.type": "PEM", "ssl.truststore.location": str(certificate)}

    async def test(bootstrap: str) -> None:
        log = await open_kafka(bootstrap, properties, process="p", service="tests", timing=FAST, patience=20)
        tps = await new_topic(log)
        writer = await log.writer(tps[0].topic)
        await writer.send(*tps[0], batch(log, "a"))
        await writer.commit("", None, lambda _: {})
        assert await read_all(log, tps) == ["a"]
        handle = log.membership("w0", "n0").join(tps[0].topic, [tps[0].topic], [TaskId(0, 0)], lambda: "", lambda: None)
        await until(lambda: handle.latest is not None)
        await writer.close()
        await log.close()
        with pytest.raises(LogUnavailable, match="uthentication failed"):
            await open_kafka(bootstrap, properties | {"sasl.jaas.config": LOGIN.format("wrong")}, process="p", patience=1)
        del properties["ssl.truststore.location"]
        with pytest.raises(LogUnavailable, match="certificate verify failed"):
            await open_kafka(bootstrap, properties | {"ssl.truststore.certificates": ""}, process="p", patience=1)

    with Broker(tmp_path / "kafka", extra=SETTINGS.format(identity=identity, certificate=certificate)) as broker:
        run(test(broker.bootstrap))
