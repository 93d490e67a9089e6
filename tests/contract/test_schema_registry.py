"""The client of a schema registry against the service's own, over HTTP; and the same questions to the one in memory. The REST API is checked
against Confluent's documentation of paths, bodies and error codes: another implementation is not at hand here."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import web
from penstock.api.schema_rest import application
from penstock.config import ConfigError
from penstock.errors import RegistryError, RequestError
from penstock.formats.errors import FormatError
from penstock.formats.schemas import SchemaType, WrittenSchema
from penstock.schemas.client import RestRegistry
from penstock.schemas.memory import MemoryRegistry
from penstock.schemas.port import Registry
from penstock.schemas.settings import RegistrySettings, parse, registry_properties

ONE = WrittenSchema("AVRO", '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}')
MORE = WrittenSchema("AVRO", '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}, {"name": "b", "type": ["null", "string"], "default": null}]}')
OTHER = WrittenSchema("AVRO", '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}')


@dataclass
class Server:
    """The REST API in a thread of its own."""

    url: str
    kept: MemoryRegistry

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/vnd.schemaregistry.v1+json"}, method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.headers.get_content_type() == "application/vnd.schemaregistry.v1+json"
            return json.loads(answer.read())

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, int]:
        """(HTTP status, error code)."""
        with pytest.raises(urllib.error.HTTPError) as e:
            self.call(method, path, body)
        with e.value:
            return e.value.code, json.loads(e.value.read())["error_code"]

    def register(self, subject: str, text: str, of: SchemaType = "AVRO", references: Any = ()) -> int:
        found: int = self.call("POST", f"/subjects/{subject}/versions", {"schema": text, "schemaType": of, "references": list(references)})["id"]
        return found


@pytest.fixture
def server() -> Iterator[Server]:
    kept, loop = MemoryRegistry(), asyncio.new_event_loop()

    async def start() -> tuple[web.AppRunner, str]:
        runner = web.AppRunner(application(kept), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        return runner, f"http://{host}:{port}"

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner, url = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    yield Server(url, kept)
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(params=["memory", "rest"])
def registry(request: pytest.FixtureRequest, server: Server) -> Registry:
    return server.kept if request.param == "memory" else RestRegistry(RegistrySettings((server.url,)))


# ---- one contract for both

def test_an_equal_schema_has_one_id(registry: Registry) -> None:
    first = registry.register("s-value", ONE)
    assert registry.register("s-value", replace(ONE, text=ONE.text.replace(" ", ""))) == first == registry.register("other-value", ONE)
    second = registry.register("s-value", MORE)
    assert second != first and registry.latest("s-value") == (second, MORE)
    assert registry.by_id(first) == ONE
    assert (registry.id_of("s-value", ONE), registry.id_of("s-value", OTHER), registry.id_of("nobody-value", ONE)) == (first, None, None)
    assert registry.latest("nobody-value") is None


def test_has(registry: Registry) -> None:
    found = registry.register("s-value", ONE)
    assert registry.has("s-value", 0) and registry.has("s-value", found) and registry.has("", found)
    assert not registry.has("s-value", found + 1) and not registry.has("t-value", 0) and not registry.has("", found + 1)


def test_a_schema_that_does_not_go_with_the_last_is_refused(registry: Registry) -> None:
    registry.register("s-value", ONE)
    with pytest.raises(RequestError) as refused:
        registry.register("s-value", OTHER)
    assert refused.value.reason == "INCOMPATIBLE_SCHEMA" and "string cannot be read as int" not in str(refused.value)
    assert "int cannot be read as string" in refused.value.message
    with pytest.raises(RequestError) as refused:
        registry.register("t-value", WrittenSchema("AVRO", '{"type": "nonsense"}'))
    assert refused.value.reason == "INVALID_SCHEMA"


def test_an_unknown_id_is_no_schema(registry: Registry) -> None:
    for _ in range(2):
        with pytest.raises(FormatError, match="not found"):
            registry.by_id(12345)


@pytest.mark.parametrize("schema", [
    WrittenSchema("PROTOBUF", 'syntax = "proto3"; message A { int32 x = 1; }'),
    WrittenSchema("JSON", '{"type": "object", "properties": {"a": {"type": "integer"}}}')])
def test_other_types(registry: Registry, schema: WrittenSchema) -> None:
    found = registry.register("s-value", schema)
    assert registry.by_id(found) == schema and registry.latest("s-value") == (found, schema)


def test_references_are_resolved(registry: Registry, server: Server) -> None:
    server.register("base.proto", 'syntax = "proto3"; message Base { int32 x = 1; }', "PROTOBUF")
    text = 'syntax = "proto3"; import "base.proto"; message Top { Base base = 1; }'
    found = server.register("s-value", text, "PROTOBUF", [{"name": "base.proto", "subject": "base.proto", "version": 1}])
    schema = registry.by_id(found)
    assert schema.text == text and [name for name, _ in schema.references] == ["base.proto"]
    assert registry.id_of("s-value", schema) == found == registry.register("s-value", schema)


# ---- the client

def test_the_client_asks_for_an_id_once(server: Server) -> None:
    found = server.register("s-value", ONE.text)
    client = RestRegistry(RegistrySettings((server.url,), retries=0))
    assert client.by_id(found) == ONE
    object.__setattr__(client._settings, "urls", ("http://127.0.0.1:9",))
    assert client.by_id(found) == ONE
    with pytest.raises(RegistryError, match="does not answer"):
        client.by_id(found + 1)


def test_the_client_tries_every_address(server: Server) -> None:
    client = RestRegistry(RegistrySettings(("http://127.0.0.1:9", server.url), retries=0))
    assert client.register("s-value", ONE) == 1


def test_properties() -> None:
    made = parse(registry_properties({"ksql.schema.registry.url": "https://u:p@sr:8081/, http://b", "schema.registry.request.timeout.ms": "500",
                                      "security.protocol": "PLAINTEXT", "ksql.schema.registry.ssl.endpoint.identification.algorithm": ""}))
    assert made is not None and made.urls == ("https://sr:8081", "http://b") and made.timeout == 0.5
    assert made.headers == {"Authorization": "Basic dTpw"} and made.tls is not None and not made.tls.check_hostname
    inherit = parse({"url": "http://a", "basic.auth.credentials.source": "SASL_INHERIT",
                     "sasl.jaas.config": 'org.x.PlainLoginModule required username="u" password="p\\"q";'})
    assert inherit is not None and inherit.headers == {"Authorization": "Basic dTpwInE="}
    assert parse({"url": "http://a", "bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": "t"}).headers == {"Authorization": "Bearer t"}  # type: ignore[union-attr]
    assert parse({}) is None


@pytest.mark.parametrize("given", [{"url": "sr:8081"}, {"basic.auth.user.info": "u:p"}, {"url": "http://a", "colour": "red"},
                                   {"url": "http://a", "basic.auth.credentials.source": "USER_INFO"}, {"url": "http://a", "max.retries": "x"},
                                   {"url": "http://a", "ssl.truststore.location": "/x"},
                                   {"url": "https://a", "ssl.truststore.type": "JKS", "ssl.truststore.location": "/x"}])
def test_properties_that_cannot_be_used(given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"schema\.registry\."):
        parse(given)


# ---- the REST API

def test_versions_and_lookup(server: Server) -> None:
    one, more = server.register("s-value", ONE.text), server.register("s-value", MORE.text)
    assert server.call("GET", "/subjects") == ["s-value"] and server.call("GET", "/subjects/s-value/versions") == [1, 2]
    assert server.call("GET", "/subjects/s-value/versions/latest") == {"subject": "s-value", "version": 2, "id": more, "schema": MORE.text}
    assert server.call("GET", "/subjects/s-value/versions/1/schema") == json.loads(ONE.text)
    assert server.call("POST", "/subjects/s-value", {"schema": ONE.text})["version"] == 1
    assert server.call("GET", f"/schemas/ids/{one}") == {"schema": ONE.text}
    assert server.call("GET", f"/schemas/ids/{one}/versions") == [{"subject": "s-value", "version": 1}]
    assert server.call("GET", "/schemas/types") == ["JSON", "PROTOBUF", "AVRO"]
    assert server.refused("GET", "/subjects/t-value/versions") == (404, 40401)
    assert server.refused("GET", "/subjects/s-value/versions/9") == (404, 40402)
    assert server.refused("GET", "/subjects/s-value/versions/zero") == (422, 42202)
    assert server.refused("GET", "/schemas/ids/99") == (404, 40403)
    assert server.refused("POST", "/subjects/t-value", {"schema": ONE.text}) == (404, 40401)
    assert server.refused("POST", "/subjects/s-value", {"schema": OTHER.text}) == (404, 40403)
    assert server.refused("POST", "/subjects/s-value/versions", {"schema": "{"}) == (422, 42201)
    assert server.refused("POST", "/subjects/s-value/versions", {"schema": "x", "schemaType": "XML"}) == (422, 42201)
    assert server.refused("GET", "/nothing") == (404, 404)


def test_deletion(server: Server) -> None:
    one = server.register("s-value", ONE.text)
    server.register("s-value", MORE.text)
    assert server.refused("DELETE", "/subjects/s-value?permanent=true") == (404, 40405)
    assert server.refused("DELETE", "/subjects/s-value/versions/1?permanent=true") == (404, 40407)
    assert server.call("DELETE", "/subjects/s-value/versions/1") == 1
    assert server.refused("DELETE", "/subjects/s-value/versions/1") == (404, 40406)
    assert server.call("GET", "/subjects/s-value/versions") == [2] and server.call("GET", "/subjects/s-value/versions?deleted=true") == [1, 2]
    assert server.call("GET", f"/schemas/ids/{one}") == {"schema": ONE.text}  # its records can still be read
    assert server.call("DELETE", "/subjects/s-value") == [2]
    assert server.refused("DELETE", "/subjects/s-value") == (404, 40404) and server.refused("DELETE", "/subjects/t-value") == (404, 40401)
    assert server.call("GET", "/subjects") == [] and server.call("GET", "/subjects?deleted=true") == ["s-value"]
    assert server.call("DELETE", "/subjects/s-value?permanent=true") == [1, 2]
    assert server.refused("GET", f"/schemas/ids/{one}") == (404, 40403)
    assert server.register("s-value", OTHER.text) > one + 1  # an id is never given twice


def test_what_is_referred_to_stays(server: Server) -> None:
    server.register("base", '{"type": "record", "name": "x.Base", "fields": []}')
    reference = [{"name": "x.Base", "subject": "base", "version": 1}]
    top = server.register("s-value", '{"type": "record", "name": "x.Top", "fields": [{"name": "b", "type": "x.Base"}]}', references=reference)
    assert server.call("GET", "/subjects/base/versions/1/referencedby") == [top]
    assert server.refused("DELETE", "/subjects/base/versions/1") == (422, 42206)
    assert server.call("GET", f"/schemas/ids/{top}")["references"] == reference
    assert server.refused("POST", "/subjects/t/versions", {"schema": '"x.Base"', "references": [{**reference[0], "version": 7}]}) == (422, 42201)


def test_levels(server: Server) -> None:
    assert server.call("GET", "/config") == {"compatibilityLevel": "BACKWARD"}
    server.register("s-value", ONE.text)
    assert server.refused("POST", "/subjects/s-value/versions", {"schema": OTHER.text}) == (409, 409)
    assert server.call("POST", "/compatibility/subjects/s-value/versions/latest", {"schema": OTHER.text}) == {"is_compatible": False}
    told = server.call("POST", "/compatibility/subjects/s-value/versions?verbose=true", {"schema": OTHER.text})
    assert told["is_compatible"] is False and "int cannot be read as string" in told["messages"][0]
    assert server.call("PUT", "/config/s-value", {"compatibility": "NONE"}) == {"compatibility": "NONE"}
    assert server.call("GET", "/config/s-value") == {"compatibilityLevel": "NONE"}
    server.register("s-value", OTHER.text)
    assert server.call("DELETE", "/config/s-value") == {"compatibilityLevel": "NONE"}
    assert server.refused("GET", "/config/s-value") == (404, 40408)
    assert server.call("GET", "/config/s-value?defaultToGlobal=true") == {"compatibilityLevel": "BACKWARD"}
    assert server.refused("PUT", "/config", {"compatibility": "SIDEWAYS"}) == (422, 42203)


def test_modes(server: Server) -> None:
    assert server.call("GET", "/mode") == {"mode": "READWRITE"}
    server.register("s-value", ONE.text)
    assert server.call("PUT", "/mode/s-value", {"mode": "READONLY"}) == {"mode": "READONLY"} == server.call("GET", "/mode/s-value")
    assert server.refused("POST", "/subjects/s-value/versions", {"schema": MORE.text}) == (422, 42205) == server.refused("DELETE", "/subjects/s-value")
    assert server.register("t-value", ONE.text) == 1
    assert server.call("DELETE", "/mode/s-value") == {"mode": "READONLY"}
    assert server.refused("GET", "/mode/s-value") == (404, 40409) == server.refused("DELETE", "/mode/s-value")
    assert server.call("PUT", "/mode", {"mode": "READONLY"}) and server.call("GET", "/mode/s-value?defaultToGlobal=true") == {"mode": "READONLY"}
    assert server.refused("POST", "/subjects/u-value/versions", {"schema": ONE.text}) == (422, 42205)
    assert server.refused("PUT", "/mode", {"mode": "IMPORT"}) == (422, 42204)


def test_lists(server: Server) -> None:
    for subject in ("a-key", "a-value", "b-value"):
        server.register(subject, ONE.text)
    server.register("a-value", MORE.text)
    server.call("DELETE", "/subjects/b-value")
    assert server.call("GET", "/subjects/") == ["a-key", "a-value"] == server.call("GET", "/subjects?subjectPrefix=a-")
    assert server.call("GET", "/subjects?deletedOnly=true") == ["b-value"] and server.call("GET", "/subjects?deleted=true&offset=1&limit=1") == ["a-value"]
    assert [(s["subject"], s["version"]) for s in server.call("GET", "/schemas?latestOnly=true")] == [("a-key", 1), ("a-value", 2)]
    assert [s["version"] for s in server.call("GET", "/schemas?subjectPrefix=a-value&limit=1")] == [1]
    assert server.call("GET", "/schemas/ids/1/subjects") == ["a-key", "a-value"]
    assert server.call("GET", "/schemas/ids/1/versions?deleted=true")[-1] == {"subject": "b-value", "version": 1}
    assert server.call("GET", "/schemas/ids/1?fetchMaxId=true")["maxId"] == 2
    assert server.refused("GET", "/schemas/ids/x")[0] == 404 and server.refused("GET", "/subjects?limit=x") == (422, 422)
