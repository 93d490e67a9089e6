"""A node with TLS, tokens, JWTs and client certificates, as an operator secures it: who gets in, what each may do and see, what the audit says,
and files that are exchanged while it serves."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
from certificates import Authority
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from penstock.api.peers import Peers
from penstock.config import ServeConfig
from penstock.security.tokens import new_token
from penstock_client import Client, Retry, Tls, Topology
from penstock_client.errors import PenstockError, UnreachableError
from penstock_client.gen.penstock.v1 import cluster_service_pb2, cluster_service_pb2_grpc, subscription_service_pb2
from penstock_client.security import Token
from ports import free_port
from real import PENSTOCK, RealNode, refused, wait_for

ONCE = Retry(attempts=1)


class SecuredNode(RealNode):
    """Names and tokens: root (admin of all), ann (reads and writes pub*), dan (admin of dan_*, reads pub)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority(directory)
        self.own, self.node = self.authority.issue("localhost", "server"), self.authority.issue("n2.example")
        self.stranger = self.authority.issue("stranger.example")
        self.tokens = {name: new_token(name) for name in ("root", "ann", "dan")}
        self.roles = {"root": "admin:*", "ann": "reader:pub*,writer:pub*", "dan": "admin:dan_*,reader:pub"}
        (directory / "tokens").write_text("".join(f"{n} {self.tokens[n][1]} {self.roles[n]}\n" for n in self.tokens)
                                          + "n2 certificate:n2.example node\nteam jwt:groups=data reader:pub\n")
        key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.node.private.public_key()))
        (directory / "jwks").write_text(json.dumps({"keys": [{**key, "kid": "k"}]}))
        self.audit_file, self.peer, self.schemas = directory / "audit", f"127.0.0.1:{free_port()}", free_port()
        super().__init__(directory, "--tls-cert", str(self.own.cert), "--tls-key", str(self.own.key), "--tls-ca", str(self.authority.path),
                         "--peer-listen", self.peer, "--tokens", str(directory / "tokens"), "--jwks", str(directory / "jwks"),
                         "--jwt-audience", "penstock", "--jwt-issuer", "test", "--audit", str(self.audit_file),
                         "--schema-registry-listen", f"127.0.0.1:{self.schemas}")
        self.client.close()
        self.client = self.of("root")

    def of(self, name: str = "", token: Token | None = None, ca: Path | None = None) -> Client:
        """A client that says it is somebody."""
        return Client(self.address, timeout=20, retry=ONCE, tls=Tls(ca or self.authority.path), token=token or (self.tokens[name][0] if name else None))

    def audit(self) -> list[dict[str, str]]:
        """What was written."""
        return [json.loads(line) for line in self.audit_file.read_text().splitlines()]

    def rest(self, path: str, authorization: str = "", body: Any = None, method: str | None = None) -> Any:
        """An answer of the schema registry."""
        request = urllib.request.Request(f"https://127.0.0.1:{self.schemas}{path}", None if body is None else json.dumps(body).encode(),
                                         {"Authorization": authorization} if authorization else {}, method=method)
        with urllib.request.urlopen(request, timeout=10, context=ssl.create_default_context(cafile=self.authority.path)) as answer:
            return json.loads(answer.read())

    def credentials(self) -> grpc.ChannelCredentials:
        """Of the bare library."""
        return grpc.ssl_channel_credentials(self.authority.path.read_bytes())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredNode]:
    with SecuredNode(tmp_path_factory.mktemp("secured")) as made:
        for name in ("pub", "secret"):
            made.client.create_stream(name, "K STRING KEY, V INT")
        counts = Topology("pub_counts")
        counts.stream("pub").group_by("K").aggregate(N="COUNT(*)").to("pub_total")
        made.client.register_topology(counts, wait=20)
        yield made
        assert made.stop() == 0
        assert "Traceback" not in made.log, made.log


def test_who_gets_in(node: SecuredNode) -> None:
    refused("CREDENTIALS_MISSING", node.of().topologies)
    refused("CREDENTIALS_INVALID", node.of(token=node.tokens["ann"][0] + "x").topologies)
    with Client(node.address, retry=ONCE, timeout=3) as plain, pytest.raises(UnreachableError):
        plain.topologies()
    with node.of("ann", ca=Authority(node.directory, "other").path) as strange, pytest.raises(UnreachableError):
        strange.topologies()
    claims = {"sub": "tom", "aud": "penstock", "iss": "test", "exp": int(time.time()) + 60, "groups": ["data"]}
    with node.of(token=jwt.encode(claims, node.node.private, "ES256", {"kid": "k"})) as tom:
        assert [r.name for r in tom.relations()] == ["pub"]
        assert "tom may not write pub" in str(refused("PERMISSION_DENIED", lambda: tom.append("pub", [{"K": "a", "V": 1}])))
    with grpc.secure_channel(node.address, node.credentials()) as channel:
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            list(reflection.ServerReflectionInfo(iter([asked])))
        metadata = (("authorization", f"Bearer {node.tokens['ann'][0]}"),)
        (services,) = reflection.ServerReflectionInfo(iter([asked]), metadata=metadata)
        assert "penstock.v1.LookupService" in str(services)


def test_rights_over_names(node: SecuredNode) -> None:
    with node.of("ann") as ann, node.of("dan") as dan:
        position = ann.append("pub", [{"K": "a", "V": 1}, {"K": "b", "V": 2}]).position
        assert ann.get("pub_total", "a", at_least=position)["N"] == 1
        assert len(list(ann.scan("pub_total"))) == 2 and len(list(ann.subscribe("pub", start="earliest", until="end"))) == 2
        with ann.appender("pub") as appender:
            appender.append([{"K": "a", "V": 3}])
        names = {r.name for r in ann.relations()}
        assert names == {"pub", "pub_total"} and [t.name for t in ann.topologies()] == ["pub_counts"]
        assert {t.name for t in ann.topics()} == {"pub", "pub_total"} and {t.topology for t in ann.tasks()} == {"pub_counts"}
        for call in (lambda: ann.relation("secret"), lambda: ann.append("secret", [{"K": "a", "V": 1}]), lambda: ann.get("secret", "a"),
                     lambda: list(ann.subscribe("secret")), lambda: list(ann.scan("secret")), lambda: ann.delete_topology("pub_counts"),
                     lambda: ann.drop_relation("pub"), lambda: ann.create_stream("pub2", "K STRING KEY"), lambda: dan.get("pub_total", "a")):
            error = refused("PERMISSION_DENIED", call)
            assert error.code is grpc.StatusCode.PERMISSION_DENIED and error.metadata["resource"] in error.message
        unknown = refused("UNKNOWN_RELATION", lambda: ann.relation("pub_totl"))
        assert unknown.metadata["candidates"] == "pub_total"
        assert "candidates" not in refused("UNKNOWN_RELATION", lambda: dan.relation("dan_secret")).metadata

        def copy(name: str, source: str, sink: str) -> Topology:
            made = Topology(name)
            made.stream(source).to(sink)
            return made

        dan.register_topology(copy("dan_copy", "pub", "dan_pub"), wait=20)
        for bad in (copy("dan_spy", "secret", "dan_secret"), copy("other", "pub", "dan_x"), copy("dan_y", "pub", "theirs")):
            refused("PERMISSION_DENIED", lambda: dan.register_topology(bad))  # noqa: B023
            refused("PERMISSION_DENIED", lambda: dan.explain(bad) if bad.name != "other" else dan.register_topology(bad))  # noqa: B023
        dan.delete_topology("dan_copy", delete_topics=True)


def test_statements_are_judged_by_their_effects(node: SecuredNode) -> None:
    with node.of("dan") as dan, node.of("ann") as ann:
        dan.sql('CREATE STREAM "dan_s" (K STRING KEY, V INT) WITH (kafka_topic=\'dan_s\', partitions=1, value_format=\'JSON\');')
        dan.sql('INSERT INTO "dan_s" VALUES (\'a\', 1); CREATE STREAM "dan_big" AS SELECT * FROM "pub" WHERE V > 5;')
        shown = dan.sql("SHOW STREAMS; SHOW TABLES; SHOW QUERIES;")
        assert [{row["NAME"] for row in result.rows} for result in shown[:2]] == [{"dan_s", "dan_big", "pub"}, set()] and len(list(shown[2].rows)) == 1
        query = next(iter(shown[2].rows))["QUERY_ID"]
        for text in ('CREATE STREAM "dan_t" AS SELECT * FROM "secret";', 'INSERT INTO "pub" VALUES (\'a\', 1);', 'DESCRIBE "secret";',
                     'CREATE STREAM "dan_u" (K STRING KEY) WITH (kafka_topic=\'secret\', value_format=\'JSON\');', 'CREATE TYPE t AS INT;',
                     'EXPLAIN SELECT * FROM "secret" EMIT CHANGES;', 'CREATE STREAM mine AS SELECT * FROM "pub";',
                     'INSERT INTO "pub" SELECT * FROM "dan_s";'):
            refused("PERMISSION_DENIED", lambda: dan.sql(text))  # noqa: B023
        for text in ('SELECT * FROM "secret" EMIT CHANGES LIMIT 1;', 'PRINT secret LIMIT 1;', 'SELECT K, COUNT(*) FROM "secret" GROUP BY K EMIT CHANGES;',
                     'SELECT * FROM "secret";'):
            refused("PERMISSION_DENIED", lambda: list(dan.query(text)))  # noqa: B023
        assert [r["V"] for r in dan.query('SELECT * FROM "dan_s";')] == [1]
        refused("PERMISSION_DENIED", lambda: list(ann.query('SELECT * FROM "dan_s";')))
        node.client.create_stream("pub_loose", "K STRING KEY, V INT")
        refused("PERMISSION_DENIED", lambda: ann.sql('DROP STREAM "pub_loose";'))
        assert ann.sql('INSERT INTO "pub_loose" VALUES (\'a\', 1); DESCRIBE "pub_loose";')[1].relation is not None
        node.client.drop_relation("pub_loose", delete_topic=True)
        dan.sql(f'PAUSE {query}; TERMINATE {query}; DROP STREAM "dan_big" DELETE TOPIC; DROP STREAM "dan_s" DELETE TOPIC;')


def test_the_audit(node: SecuredNode) -> None:
    with node.of("dan") as dan:
        dan.create_stream("dan_audited", "K STRING KEY, V INT")
        refused("PERMISSION_DENIED", lambda: dan.drop_relation("secret"))
        refused("PERMISSION_DENIED", lambda: dan.sql('DROP STREAM "secret";'))
        dan.sql('DROP STREAM "dan_audited";')
    lines = node.audit()[-4:]
    assert [(a["principal"], a["action"], a["target"], a["outcome"]) for a in lines] == [
        ("dan", "CatalogService/CreateRelation", "dan_audited", "OK"), ("dan", "CatalogService/DropRelation", "secret", "PERMISSION_DENIED"),
        ("dan", "SqlService/Execute", "", "PERMISSION_DENIED"), ("dan", "SqlService/Execute", "dan_audited", "OK")]
    assert all(a["peer"].startswith("ipv4:127.0.0.1:") and a["time"].endswith("Z") for a in lines)
    assert lines[2]["statement"] == 'DROP STREAM "secret"'
    assert node.tokens["dan"][0] not in node.audit_file.read_text() + node.log


def test_other_nodes_come_by_certificate(node: SecuredNode) -> None:
    async def ask(cert: Path, key: Path, address: str) -> str:
        peers = Peers(ServeConfig(tls_cert=str(cert), tls_key=str(key), tls_ca=str(node.authority.path)))
        try:
            stub = cluster_service_pb2_grpc.ClusterServiceStub(peers.channel(address))  # type: ignore[no-untyped-call]
            return str((await stub.DescribeCluster(cluster_service_pb2.DescribeClusterRequest(), timeout=5)).service_id)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        finally:
            await peers.close()

    assert asyncio.run(ask(node.node.cert, node.node.key, node.peer)) == "penstock"
    assert asyncio.run(ask(node.stranger.cert, node.stranger.key, node.peer)) == "UNAUTHENTICATED"
    assert asyncio.run(ask(node.node.cert, node.node.key, node.address)) == "UNAUTHENTICATED"  # no certificate is asked for there
    bare = grpc.secure_channel(node.peer, node.credentials())
    with bare, pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
        cluster_service_pb2_grpc.ClusterServiceStub(bare).DescribeCluster(cluster_service_pb2.DescribeClusterRequest(), timeout=5)


def test_the_schema_registry_has_the_same_door(node: SecuredNode) -> None:
    def status(*args: Any, **options: Any) -> int:
        try:
            node.rest(*args, **options)
        except urllib.error.HTTPError as error:
            assert error.code != 401 or "Bearer" in error.headers["WWW-Authenticate"]
            return error.code
        return 200

    ann, dan = (f"Bearer {node.tokens[n][0]}" for n in ("ann", "dan"))
    basic = "Basic " + base64.b64encode(f"ann:{node.tokens['ann'][0]}".encode()).decode()
    schema = {"schema": '"string"'}
    assert status("/subjects") == 401 and status("/subjects", ann + "x") == 401
    assert status("/subjects/pub-value/versions", dan, schema) == 403 and status("/subjects/pub-value/versions", basic, schema) == 200
    assert node.rest("/subjects", ann) == ["pub-value"] == node.rest("/subjects", dan)
    assert status("/subjects/secret-value/versions", ann) == 403 and status("/config", ann, {"compatibility": "NONE"}, "PUT") == 403
    assert status("/subjects/pub-value", ann, method="DELETE") == 403
    assert node.rest("/subjects/pub-value", f"Bearer {node.tokens['root'][0]}", method="DELETE") == [1]
    assert [(a["action"], a["target"], a["outcome"]) for a in node.audit() if a["action"].startswith("schemas")][-2:] == [
        ("schemas DELETE", "/subjects/pub-value", "40301"), ("schemas DELETE", "/subjects/pub-value", "OK")]


def test_the_command_line(node: SecuredNode, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(node.tokens["ann"][0] + "\n")
    ca = ("--ca", str(node.authority.path))
    environment = {**os.environ, "PENSTOCK_ADDRESS": node.address, "PENSTOCK_CA": str(node.authority.path), "PENSTOCK_TOKEN": node.tokens["ann"][0]}
    listed = subprocess.run([*PENSTOCK, "list", "--json"], env=environment, check=True, capture_output=True, text=True).stdout
    assert "pub" in listed and "secret" not in listed
    denied = node.cli("drop", "pub", *ca, "--credentials-file", str(tmp_path / "token"))
    assert (denied.returncode, denied.stdout) == (1, "") and "ann may not administer pub: it takes the role admin there" in denied.stderr
    missing = node.cli("list", *ca)
    assert missing.returncode == 1 and "no credentials" in missing.stderr


def test_what_cannot_be_secure_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("ann x reader:*\n")
    done = subprocess.run([*PENSTOCK, "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--tokens", str(tmp_path / "tokens")],
                          capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1) and "line 1: the credential is none of" in done.stderr


def test_files_are_exchanged_while_it_serves(node: SecuredNode) -> None:
    """Last: afterwards the node shows a certificate of another authority."""
    with node.of("ann") as before:
        events = before.raw.subscription.Subscribe(subscription_service_pb2.SubscribeRequest(relation="pub"))
        assert next(events).event.HasField("schema")
        other = Authority(node.directory, "next authority")
        made = other.issue("localhost", "next")
        shutil.copy(made.key, node.own.key)
        shutil.copy(made.cert, node.own.cert)

        def shown() -> bool:
            with node.of("ann", ca=other.path) as after:
                try:
                    after.relation("pub")
                except PenstockError:
                    return False
                after.append("pub", [{"K": "later", "V": 9}])
                return True

        wait_for(shown, 10, "the new certificate")
        assert next(e for e in events if e.event.HasField("rows"))
        events.cancel()
        before.relation("pub")  # on the connection that was there
        wait_for(lambda: "certificate read anew" in node.log, 5)
    trusts_other = ssl.create_default_context(cafile=other.path)

    def registry_shows_it() -> bool:
        try:
            urllib.request.urlopen(f"https://127.0.0.1:{node.schemas}/subjects", timeout=5, context=trusts_other)
        except urllib.error.HTTPError as error:
            return error.code == 401
        except urllib.error.URLError:
            return False
        return False

    wait_for(registry_shows_it, 10, "the schema registry's new certificate")
    file = node.directory / "tokens"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith("ann ")))

    def revoked() -> bool:
        with node.of("ann", ca=other.path) as after:
            try:
                after.relation("pub")
            except PenstockError as error:
                return error.reason == "CREDENTIALS_INVALID"
            return False

    wait_for(revoked, 10, "the token to be revoked")
