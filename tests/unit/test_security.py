"""Who may do what: principals and their rights, the files that name them, what a topology's definition takes, which settings go together."""

from __future__ import annotations

import contextvars
import json
import os
import re
import time
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from google.protobuf import json_format
from penstock.api.authorize import AGAIN_SECONDS, Admission, Watch
from penstock.api.needs import CLOSED, RULES, rule_of
from penstock.api.server import SERVICES
from penstock.config import ConfigError, ServeConfig, check
from penstock.errors import RequestError
from penstock.security.definition import registers
from penstock.security.gate import Gate
from penstock.security.principal import Access, Grant, Need, Principal, Role, act_for, caller
from penstock.security.principals_file import parse_roles, read_principals
from penstock.security.tokens import new_token
from penstock_client.gen.penstock.v1 import topology_pb2

READ, WRITE, ADMIN, DESCRIBE = Access.READ, Access.WRITE, Access.ADMIN, Access.DESCRIBE


@pytest.mark.parametrize(("roles", "allowed", "denied"), [
    ("reader:orders", {(READ, "orders"), (READ, "ORDERS"), (DESCRIBE, "orders"), (READ, "orders.totals"), (Access.KNOWN, "*")},
     {(READ, "orders_eu"), (WRITE, "orders"), (ADMIN, "orders"), (READ, "*"), (READ, "totals.orders")}),
    ("writer:orders_*", {(WRITE, "orders_eu"), (DESCRIBE, "orders_eu")}, {(READ, "orders_eu"), (ADMIN, "orders_eu"), (WRITE, "orders")}),
    ("admin:o*,reader:p?", {(ADMIN, "o"), (WRITE, "o.x"), (READ, "px")}, {(READ, "p"), (ADMIN, "px"), (ADMIN, "*")}),
    ("admin:*", {(ADMIN, "*"), (READ, "anything"), (WRITE, "*")}, set()),
    ("node", {(ADMIN, "*"), (READ, "anything")}, set()),
])
def test_roles_over_patterns(roles: str, allowed: set[tuple[Access, str]], denied: set[tuple[Access, str]]) -> None:
    grants, node = parse_roles(roles)
    principal = Principal("ann", grants, node)
    assert {need for need in allowed | denied if principal.may(Need(*need))} == allowed
    for need in denied:
        with pytest.raises(RequestError, match="ann may not .* it takes the role") as refused:
            principal.require([Need(*need)])
        assert refused.value.reason == "PERMISSION_DENIED"


def test_every_method_has_a_rule() -> None:
    """A method without one is closed to everybody but an admin of all names."""
    for service in SERVICES:
        module = import_module("penstock.api." + re.sub(r"(?<!^)(?=[A-Z])", "_", service).lower())
        for method in module.METHODS:
            assert f"/penstock.v1.{service}/{method}" in RULES
    assert rule_of("/penstock.v1.NewService/New") is CLOSED
    between = rule_of("/penstock.internal.v1.NodeService/Read")
    assert set(between.needs(None)) == {Need(ADMIN)} and not between.changes  # else each forwarded lookup had a line of the audit


def test_what_a_definition_takes() -> None:
    definition = json_format.ParseDict({"name": "top", "nodes": [
        {"name": "a", "sourceStream": {"origin": {"relation": "orders"}}},
        {"name": "b", "sourceTable": {"origin": {"inline": {"topic": {"topic": "raw_b"}}}}},
        {"name": "c", "sourceStream": {"origin": {"topics": {"names": ["t1", "t2"]}}}},
        {"name": "d", "sourceStream": {"origin": {"topics": {"pattern": "x.*"}}}},
        {"name": "published", "inputs": ["a"], "sink": {}},
        {"name": "other", "inputs": ["a"], "sink": {"relation": "out", "topic": {"topic": "theirs"}}},
        {"name": "into", "inputs": ["a"], "sink": {"relation": "audit", "insert": True}},
        {"name": "routed", "inputs": ["a"], "sink": {"topicExpression": "k"}},
    ]}, topology_pb2.Topology())
    assert set(registers(definition)) == {
        Need(ADMIN, "top"), Need(READ, "orders"), Need(ADMIN, "b"), Need(READ, "raw_b"), Need(WRITE, "raw_b"), Need(READ, "t1"), Need(READ, "t2"),
        Need(READ, "*"), Need(ADMIN, "published"), Need(ADMIN, "out"), Need(READ, "theirs"), Need(WRITE, "theirs"), Need(WRITE, "audit"),
        Need(WRITE, "*")}


@pytest.mark.parametrize(("line", "said"), [
    ("ann sha256:abc reader:*", "none of sha256:SALT:HASH"),
    ("ann certificate:a reads:*", "'reads:\\*' is no role"),
    ("ann certificate:a reader", "'reader' is no role"),
    ("ann certificate:a", "2 words"),
    ("a/b certificate:a node", "'a/b' is no name"),
    ("ann jwt:sub reader:*", "jwt:CLAIM=VALUE"),
])
def test_a_wrong_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"# principals\n\n{line}\n")
    with pytest.raises(ConfigError, match=f"line 3: .*{said}"):
        read_principals(path)


def test_tokens_are_known_by_their_hash_and_read_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (first, line), (second, other) = new_token("ann"), new_token("ann")
    path = tmp_path / "tokens"
    path.write_text(f"ann {line} reader:*\nann {other} writer:x\n'the proxy' certificate:c node\n".replace("'the proxy'", "proxy"))
    gate = Gate(ServeConfig(tokens=str(path)))
    assert gate.of_token(f"Bearer {first}").grants == (Grant(Role.READER, "*"),)
    assert gate.of_token(f"bearer {second}").grants == (Grant(Role.WRITER, "x"),)
    assert gate.of_certificate(["127.0.0.1", "c"]) == Principal("proxy", node=True)
    for wrong in (f"Bearer {first}x", "Bearer pst.bob." + first.rpartition(".")[2], "Bearer ", f"Basic {first}", "Bearer eyJ.a.b"):
        with pytest.raises(RequestError) as refused:
            gate.of_token(wrong)
        assert refused.value.reason == "CREDENTIALS_INVALID"

    def write(text: str) -> None:
        path.with_suffix(".new").write_text(text)
        os.replace(path.with_suffix(".new"), path)
        gate.refresh()
        gate.refresh()

    write("ann what")
    assert gate.of_token(f"Bearer {first}").name == "ann"
    assert [r.message.partition(":")[0] for r in caplog.records] == ["principals stay as they were"]
    write(f"ann {other} reader:y\n")
    with pytest.raises(RequestError, match="not known"):
        gate.of_token(f"Bearer {first}")
    assert gate.of_token(f"Bearer {second}").grants == (Grant(Role.READER, "y"),)


def _jwk(key: Any, kid: str) -> dict[str, Any]:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid}


def test_json_web_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rsa_key, ec_key, stranger = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "jwks").write_text(json.dumps({"keys": [_jwk(rsa_key, "r"), _jwk(ec_key, "e"), {"kty": "oct", "k": "c2VjcmV0", "kid": "o"}]}))
    (tmp_path / "tokens").write_text("team jwt:groups=data reader:data_*\nboss jwt:sub=ann admin:ann_*\n")
    gate = Gate(ServeConfig(tokens=str(tmp_path / "tokens"), jwks=str(tmp_path / "jwks"), jwt_audience="penstock", jwt_issuer="https://id"))
    now = int(time.time())
    good = {"sub": "ann", "aud": ["penstock", "other"], "iss": "https://id", "exp": now + 60, "groups": ["data", "x"]}

    def of(claims: dict[str, Any], key: Any = ec_key, algorithm: str = "ES256", kid: str | None = "e") -> Principal:
        return gate.of_token("Bearer " + jwt.encode(claims, key, algorithm, {} if kid is None else {"kid": kid}))

    found = of(good)
    assert (found.name, found.expires) == ("ann", now + 60)
    assert set(found.grants) == {Grant(Role.READER, "data_*"), Grant(Role.ADMIN, "ann_*")}
    assert of(good, rsa_key, "RS256", "r").name == "ann"
    assert of({**good, "sub": "bob", "groups": "x"}).grants == ()
    for claims in ({**good, "exp": now - 60}, {**good, "nbf": now + 60}, {**good, "aud": "other"}, {**good, "iss": "https://else"},
                   {k: v for k, v in good.items() if k != "exp"}, {k: v for k, v in good.items() if k != "aud"}):
        with pytest.raises(RequestError, match="JWT is not accepted"):
            of(claims)
    for key, algorithm, kid in ((stranger, "ES256", "e"), (ec_key, "ES256", "unknown"), (ec_key, "ES256", None), (rsa_key, "RS384", "r"),
                                ("secret" * 8, "HS256", "o"), (None, "none", "e")):
        with pytest.raises(RequestError, match="JWT"):
            of(good, key, algorithm, kid)
    text = "Bearer " + jwt.encode(good, ec_key, "ES256", {"kid": "e"})
    assert gate.of_token(text).name == "ann"
    monkeypatch.setattr("penstock.security.gate.time.time", lambda: now + 100.0)
    with pytest.raises(RequestError, match="expired"):  # though it is known
        gate.of_token(text)


@pytest.mark.parametrize(("settings", "said"), [
    ({"listen": "0.0.0.0:7550"}, "--listen 0.0.0.0:7550 is open to other machines without TLS and authentication"),
    ({"listen": "0.0.0.0:7550", "tokens": "t"}, "open to other machines"),
    ({"listen": "0.0.0.0:7550", "tls_cert": "c", "tls_key": "k"}, "open to other machines"),
    ({"schema_registry_listen": "0.0.0.0:8081"}, "--schema-registry-listen 0.0.0.0:8081 is open"),
    ({"tls_cert": "c"}, "--tls-cert needs --tls-key"),
    ({"tls_ca": "c"}, "--tls-ca needs --tls-cert"),
    ({"jwks": "j", "tokens": "t"}, "--jwks needs --jwt-audience"),
    ({"jwks": "j", "jwt_audience": "a", "jwt_issuer": "i"}, "--jwks needs --tokens"),
    ({"tls_cert": "c", "tls_key": "k", "tls_ca": "a", "tls_client_certificates": True}, "--tls-client-certificates needs --tokens"),
    ({"tls_cert": "c", "tls_key": "k", "tokens": "t", "peer_listen": "127.0.0.1:1"}, "--peer-listen needs --tls-ca"),
    ({"tls_cert": "c", "tls_key": "k", "tokens": "t", "tls_ca": "a", "peer_listen": "127.0.0.1:7550"}, "address of --listen"),
])
def test_settings_that_are_not_secure_together(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check(ServeConfig(**settings))


def test_settings_that_are() -> None:
    check(ServeConfig(listen="0.0.0.0:7550", insecure=True))
    check(ServeConfig(listen="0.0.0.0:7550", tls_cert="c", tls_key="k", tokens="t"))
    check(ServeConfig(tokens="t"))


def test_a_call_that_lasts_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contextvars.copy_context().run(_lasts, tmp_path, monkeypatch)  # where the caller stands


def _lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, line = new_token("ann")
    path = tmp_path / "tokens"
    path.write_text(f"ann {line} reader:a\n")
    gate = Gate(ServeConfig(tokens=str(path)))

    class Context:
        def invocation_metadata(self) -> Any:
            return (("authorization", f"Bearer {token}"),)

        def auth_context(self) -> Any:
            return {}

    admission, now = Admission(gate), [100.0]
    monkeypatch.setattr("penstock.api.authorize.time.monotonic", lambda: now[0])
    act_for(admission.identify(Context()))
    watch = Watch(admission, Context(), "/m", [Need(READ, "a")])
    path.write_text(f"ann {line} reader:b\n")
    gate.refresh()
    with pytest.raises(RequestError, match="ann may not read a"):
        watch.look()
    path.write_text(f"ann {line} reader:a,writer:c\n")
    gate.refresh()
    watch.look()
    assert caller().may(Need(WRITE, "c"))
    monkeypatch.setattr(gate, "of_token", refused := Mock(side_effect=RequestError("CREDENTIALS_INVALID", "it has expired")))
    watch.look()  # not yet
    assert not refused.called
    now[0] += AGAIN_SECONDS
    with pytest.raises(RequestError, match="it has expired"):
        watch.look()
