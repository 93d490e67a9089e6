"""Kafka's property names: what is taken and how the rest is refused."""

from __future__ import annotations

import pytest
from penstock.errors import RequestError
from penstock.log.kafka.security import parse

PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="ann" password="a\\"b;c";'
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required username='ann' password=secret;"


def test_bootstrap_servers() -> None:
    assert parse("a:1, b:2", {}).bootstrap == (("a", 1), ("b", 2))
    assert parse("", {"bootstrap.servers": "[::1]:9093,h"}).bootstrap == (("::1", 9093), ("h", 9092))


def test_sasl() -> None:
    found = parse("a:1", {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": PLAIN}).connection
    assert (found["sasl_plain_username"], found["sasl_plain_password"]) == ("ann", 'a"b;c')
    found = parse("a:1", {"security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512", "sasl.jaas.config": SCRAM}).connection
    assert found["sasl_mechanism"] == "SCRAM-SHA-512" and found["sasl_plain_password"] == "secret"
    assert found["ssl_context"].check_hostname


def test_secrets_are_not_printed() -> None:
    assert "secret" not in repr(parse("a:1", {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256", "sasl.jaas.config": SCRAM}))


def test_host_name_check_can_be_switched_off() -> None:
    context = parse("a:1", {"security.protocol": "SSL", "ssl.endpoint.identification.algorithm": ""}).connection["ssl_context"]
    assert not context.check_hostname


@pytest.mark.parametrize(("bootstrap", "properties", "named"), [
    ("", {}, "bootstrap.servers"),
    ("host:port", {}, "bootstrap.servers"),
    ("host:70000", {}, "bootstrap.servers"),
    ("a:1", {"acks": "all"}, "acks"),
    ("a:1", {"security.protocol": "TLS"}, "security.protocol"),
    ("a:1", {"sasl.mechanism": "PLAIN"}, "sasl.mechanism"),
    ("a:1", {"ssl.key.password": "x"}, "ssl.key.password"),
    ("a:1", {"security.protocol": "SASL_SSL", "sasl.mechanism": "GSSAPI"}, "sasl.mechanism"),
    ("a:1", {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.jaas.config": SCRAM}, "sasl.jaas.config"),
    ("a:1", {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.jaas.config": "x"}, "sasl.jaas.config"),
    ("a:1", {"security.protocol": "SSL", "ssl.truststore.location": "t.jks"}, "ssl.truststore.type"),
    ("a:1", {"security.protocol": "SSL", "ssl.truststore.type": "JKS"}, "ssl.truststore.type"),
    ("a:1", {"security.protocol": "SSL", "ssl.truststore.type": "PEM", "ssl.truststore.location": "/nowhere.pem"}, "ssl"),
    ("a:1", {"security.protocol": "SSL", "ssl.keystore.type": "PEM", "ssl.keystore.certificate.chain": "x"}, "ssl.keystore.key"),
])
def test_refused(bootstrap: str, properties: dict[str, str], named: str) -> None:
    with pytest.raises(RequestError) as refused:
        parse(bootstrap, properties)
    assert refused.value.reason == "INVALID_ARGUMENT" and refused.value.metadata["field"] == named
