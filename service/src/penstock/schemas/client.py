"""A schema registry over its REST API (application/vnd.schemaregistry.v1+json), as a schemas.port.Registry. Blocking, since readers ask in
the middle of their work; but each id is asked once, and what is not there is not asked again for a while."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from penstock.errors import RegistryError, RequestError
from penstock.formats.errors import FormatError
from penstock.formats.schemas import SchemaType, WrittenSchema
from penstock.schemas.settings import RegistrySettings

MEDIA = "application/vnd.schemaregistry.v1+json"
MISSING_SECONDS = 30.0
"""How long an id that the registry does not have is not asked for again."""
PAUSE = 0.2
_AGAIN = frozenset({429, 500, 502, 503, 504})


class _Answer(Exception):
    """An error that the registry answered."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class RestRegistry:
    """Implements schemas/port.py Registry. Safe to use from several threads."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if settings.tls is not None:
            handlers.append(urllib.request.HTTPSHandler(context=settings.tls))
        self._open = urllib.request.build_opener(*handlers).open
        self._by_id: dict[int, WrittenSchema] = {}
        self._missing: dict[int, float] = {}
        self._first = 0

    # ---- the registry

    def by_id(self, schema_id: int) -> WrittenSchema:
        """A port.Registry's."""
        known = self._by_id.get(schema_id)
        if known is not None:
            return known
        if time.monotonic() < self._missing.get(schema_id, 0.0):
            raise FormatError(f"Schema {schema_id} not found")
        try:
            found = self._schema(self._call("GET", f"/schemas/ids/{schema_id}"))
        except _Answer as e:
            if e.status != 404:
                raise self._unexpected(e) from e
            self._missing[schema_id] = time.monotonic() + MISSING_SECONDS
            raise FormatError(f"Schema {schema_id} not found") from e
        self._by_id[schema_id] = found
        return found

    def latest(self, subject: str) -> tuple[int, WrittenSchema] | None:
        """A port.Registry's."""
        try:
            found = self._call("GET", f"/subjects/{_path(subject)}/versions/latest")
        except _Answer as e:
            if e.status == 404:
                return None
            raise self._unexpected(e) from e
        schema = self._by_id[int(found["id"])] = self._schema(found)
        return int(found["id"]), schema

    def id_of(self, subject: str, schema: WrittenSchema) -> int | None:
        """A port.Registry's."""
        try:
            return int(self._call("POST", f"/subjects/{_path(subject)}", self._body(schema))["id"])
        except _Answer as e:
            if e.status == 404 or e.code == 42201:  # a schema that it cannot read is none that it has
                return None
            raise self._unexpected(e) from e

    def has(self, subject: str, schema_id: int) -> bool:
        """A port.Registry's."""
        try:
            if not subject:
                self._call("GET", f"/schemas/ids/{schema_id}")
                return True
            versions = self._call("GET", f"/subjects/{_path(subject)}/versions")
            if not schema_id:
                return bool(versions)
            having = self._call("GET", f"/schemas/ids/{schema_id}/versions")
        except _Answer as e:
            if e.status == 404:
                return False
            raise self._unexpected(e) from e
        return any(v.get("subject") == subject for v in having)

    def register(self, subject: str, schema: WrittenSchema) -> int:
        """A port.Registry's."""
        try:
            schema_id = int(self._call("POST", f"/subjects/{_path(subject)}/versions", self._body(schema))["id"])
        except _Answer as e:
            if e.status in (409, 422):
                reason = "INCOMPATIBLE_SCHEMA" if e.status == 409 else "INVALID_SCHEMA"
                raise RequestError(reason, f"the schema registry refuses a schema for {subject}: {e.message}", {"subject": subject}) from e
            raise self._unexpected(e) from e
        self._by_id[schema_id] = schema
        return schema_id

    # ---- schemas

    def _schema(self, found: Mapping[str, Any]) -> WrittenSchema:
        of: SchemaType = found.get("schemaType") or "AVRO"
        behind: dict[str, str] = {}
        self._references(found.get("references") or (), behind, 0)
        return WrittenSchema(of, str(found["schema"]), tuple(behind.items()))

    def _references(self, references: Sequence[Mapping[str, Any]], found: dict[str, str], depth: int) -> None:
        if depth > 32:
            raise FormatError("the references of a schema go in a circle")
        for r in references:
            if r["name"] in found:
                continue
            version = self._call("GET", f"/subjects/{_path(r['subject'])}/versions/{int(r['version'])}?deleted=true")
            self._references(version.get("references") or (), found, depth + 1)
            found[r["name"]] = str(version["schema"])

    def _body(self, schema: WrittenSchema) -> Mapping[str, Any]:
        body: dict[str, Any] = {"schema": schema.text, "schemaType": schema.type}
        if schema.references:
            body["references"] = [self._reference(schema, n) for n in range(len(schema.references))]
        return body

    def _reference(self, schema: WrittenSchema, n: int) -> Mapping[str, Any]:
        """A reference as subject and version: where the registry has its text under its own name."""
        name, text = schema.references[n]
        found = self._call("POST", f"/subjects/{_path(name)}", self._body(WrittenSchema(schema.type, text, schema.references[:n])))
        return {"name": name, "subject": name, "version": int(found["version"])}

    # ---- HTTP

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON. _Answer for an error of the registry's own, RegistryError when no address answers."""
        data = None if body is None else json.dumps(body).encode()
        problem = ""
        for attempt in range(self._settings.retries + 1):
            if attempt:
                time.sleep(PAUSE * attempt)
            for n in range(len(self._settings.urls)):
                place = (self._first + n) % len(self._settings.urls)
                url = self._settings.urls[place]
                try:
                    found = self._once(method, url + path, data)
                    self._first = place
                    return found
                except _Answer as e:
                    if e.status not in _AGAIN:
                        raise
                    problem = f"{url} answers {e.status}: {e.message}"
                except (OSError, http.client.HTTPException, ssl.SSLError) as e:
                    problem = f"{url}: {getattr(e, 'reason', None) or e}"
        raise RegistryError(f"the schema registry does not answer: {problem}")

    def _once(self, method: str, url: str, data: bytes | None) -> Any:
        headers = {"Accept": f"{MEDIA}, application/json", "Content-Type": MEDIA, **self._settings.headers}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - settings.py lets http and https through
        try:
            with self._open(request, timeout=self._settings.timeout) as answer:
                return _json(answer.read(), answer.status)
        except urllib.error.HTTPError as e:
            with e:
                raise _error(e.code, e.read()) from None

    def _unexpected(self, error: _Answer) -> RegistryError:
        return RegistryError(f"the schema registry answers {error.status}: {error.message}")


def _path(subject: str) -> str:
    return quote(subject, safe="")


def _json(data: bytes, status: int) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise _Answer(502, status, f"no JSON: {data[:100]!r}") from None


def _error(status: int, data: bytes) -> _Answer:
    try:
        found = json.loads(data)
        return _Answer(status, int(found.get("error_code", status)), str(found.get("message", "")))
    except (ValueError, AttributeError, TypeError):
        return _Answer(status, status, data[:200].decode("utf-8", "replace"))
