"""The REST API of the service's own schema registry: paths, bodies and error codes of Confluent's, so that every client of one works with it.

Subjects, versions, ids, references, compatibility, config and mode (READWRITE and READONLY). Contexts, exporters, rules and metadata are not
there: 404. A change is written to the log before it is answered.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web

from penstock.api.schema_access import Handler, admission, audited, covered_by
from penstock.errors import LogError
from penstock.formats.schemas import SchemaType
from penstock.schemas.subjects import (
    DEFAULT_LEVEL,
    LEVELS,
    MODES,
    TYPES,
    Configured,
    Event,
    Guarded,
    Mode,
    Reference,
    Refused,
    Subjects,
    Version,
    check,
)
from penstock.security.gate import Gate
from penstock.security.principal import caller

log = logging.getLogger("penstock.api")

MEDIA = "application/vnd.schemaregistry.v1+json"
BODY_LIMIT = 4 << 20


class Keeper(Protocol):
    """Who keeps the registry's state."""

    @property
    def subjects(self) -> Subjects:
        """The state as known now."""

    async def deciding(self, decide: Callable[[Subjects], Sequence[Event]]) -> None:
        """Decide on the newest state and write; raises what decide raises, LogError when the log does not answer."""


def application(keeper: Keeper, gate: Gate | None = None) -> web.Application:
    """The application. gate: whom it answers; None: whoever reaches it."""
    admitting = [admission(gate)] if gate is not None else []
    app = web.Application(middlewares=[_errors, audited, *admitting], client_max_size=BODY_LIMIT)
    rest = _Rest(keeper)
    for method, path, handler in rest.routes():
        for spelling in dict.fromkeys((path, path.rstrip("/") + "/")):
            app.router.add_route(method, spelling, handler)
    return app


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as e:
        answer = _answer({"error_code": e.code, "message": e.message}, e.code if e.code < 1000 else e.code // 100)
        if answer.status == 401:
            answer.headers["WWW-Authenticate"] = 'Bearer, Basic realm="penstock"'
        return answer
    except web.HTTPException as e:
        return _answer({"error_code": e.status, "message": e.reason}, e.status)
    except LogError as e:
        return _answer({"error_code": 50003, "message": f"the log does not answer: {e}"}, 503)
    except Exception:
        log.exception("schema registry: %s %s failed", request.method, request.path)
        return _answer({"error_code": 50001, "message": "a fault of the service, see its log"}, 500)


def _answer(body: object, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(body).encode(), status=status, content_type=MEDIA)


async def _body(request: web.Request) -> Mapping[str, Any]:
    try:
        found = json.loads(await request.read())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(422, "the body is no JSON object")
    return found


def _schema(body: Mapping[str, Any]) -> tuple[SchemaType, str, list[Reference]]:
    of, text = body.get("schemaType") or "AVRO", body.get("schema")
    if of not in TYPES:
        raise Refused(42201, f"Invalid schema type {of}: one of {', '.join(TYPES)}")
    if not isinstance(text, str) or not text.strip():
        raise Refused(42201, "Empty schema")
    try:
        references = [Reference(str(r["name"]), str(r["subject"]), int(r["version"])) for r in body.get("references") or ()]
    except (TypeError, KeyError, ValueError):
        raise Refused(42201, "a reference has name, subject and version") from None
    return of, text, references


def _entry(v: Version) -> dict[str, object]:
    return {"subject": v.subject, "version": v.version, "id": v.id, **_written(v)}


def _written(v: Version) -> dict[str, object]:
    found: dict[str, object] = {"schema": v.text}
    if v.type != "AVRO":
        found["schemaType"] = v.type
    if v.references:
        found["references"] = [{"name": r.name, "subject": r.subject, "version": r.version} for r in v.references]
    return found


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() == "true"


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Refused(404, "HTTP 404 Not Found")
    return int(text)


class _Rest:
    """The handlers, one a method and path."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    @property
    def _state(self) -> Subjects:
        return self._keeper.subjects

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Method, path, handler."""
        subject = "/subjects/{subject}"
        return [
            ("GET", "/", self.root), ("GET", "/subjects", self.list), ("GET", subject + "/versions", self.versions),
            ("POST", subject + "/versions", self.register), ("GET", subject + "/versions/{version}", self.version),
            ("GET", subject + "/versions/{version}/schema", self.text), ("GET", subject + "/versions/{version}/referencedby", self.referenced),
            ("POST", subject, self.look_up), ("DELETE", subject, self.delete), ("DELETE", subject + "/versions/{version}", self.delete),
            ("GET", "/schemas", self.schemas), ("GET", "/schemas/types", self.types), ("GET", "/schemas/ids/{id}", self.by_id),
            ("GET", "/schemas/ids/{id}/schema", self.text_by_id), ("GET", "/schemas/ids/{id}/subjects", self.subjects_by_id),
            ("GET", "/schemas/ids/{id}/versions", self.versions_by_id),
            ("POST", "/compatibility" + subject + "/versions", self.compatible), ("POST", "/compatibility" + subject + "/versions/{version}", self.compatible),
            ("GET", "/config", self.config), ("PUT", "/config", self.configure), ("DELETE", "/config", self.unconfigure),
            ("GET", "/config/{subject}", self.config), ("PUT", "/config/{subject}", self.configure), ("DELETE", "/config/{subject}", self.unconfigure),
            ("GET", "/mode", self.mode), ("PUT", "/mode", self.set_mode), ("GET", "/mode/{subject}", self.mode), ("PUT", "/mode/{subject}", self.set_mode),
            ("DELETE", "/mode/{subject}", self.unset_mode),
        ]

    # ---- subjects

    async def root(self, request: web.Request) -> web.Response:
        return _answer({})

    async def list(self, request: web.Request) -> web.Response:
        prefix, only = request.query.get("subjectPrefix", ""), _flag(request, "deletedOnly")
        there = set(self._state.subjects()) if only else set()
        found = self._state.subjects(_flag(request, "deleted") or only)
        return _answer(_page(request, [s for s in found if s.startswith(prefix) and s not in there and caller().sees(covered_by(s))]))

    async def versions(self, request: web.Request) -> web.Response:
        only = _flag(request, "deletedOnly")
        found = self._state.of(request.match_info["subject"], _flag(request, "deleted") or only)
        return _answer(_page(request, [v.version for v in found if v.deleted or not only]))

    async def version(self, request: web.Request) -> web.Response:
        return _answer(_entry(self._found(request)))

    async def text(self, request: web.Request) -> web.Response:
        return _text(self._found(request))

    async def referenced(self, request: web.Request) -> web.Response:
        found = self._found(request)
        return _answer(self._state.referenced_by(found.subject, found.version))

    def _found(self, request: web.Request) -> Version:
        return self._state.version(request.match_info["subject"], request.match_info["version"], _flag(request, "deleted"))

    async def register(self, request: web.Request) -> web.Response:
        subject, (of, text, references) = request.match_info["subject"], _schema(await _body(request))
        issued: list[int] = []

        def decide(state: Subjects) -> Sequence[Event]:
            schema_id, events = state.register(subject, of, text, references)
            issued[:] = [schema_id]
            return events

        await self._keeper.deciding(decide)
        return _answer({"id": issued[0]})

    async def look_up(self, request: web.Request) -> web.Response:
        of, text, references = _schema(await _body(request))
        subject = request.match_info["subject"]
        self._state.of(subject, _flag(request, "deleted"))
        schema = self._state.resolved(of, text, references)
        check(schema)
        return _answer(_entry(self._state.find(subject, schema, _flag(request, "deleted"))))

    async def delete(self, request: web.Request) -> web.Response:
        subject, wanted, permanent = request.match_info["subject"], request.match_info.get("version"), _flag(request, "permanent")
        gone: list[int] = []

        def decide(state: Subjects) -> Sequence[Event]:
            gone[:], events = state.delete(subject, wanted, permanent)
            return events

        await self._keeper.deciding(decide)
        return _answer(gone if wanted is None else gone[0])

    # ---- schemas by id

    async def schemas(self, request: web.Request) -> web.Response:
        prefix, deleted = request.query.get("subjectPrefix", ""), _flag(request, "deleted")
        found = [v for s in self._state.subjects(deleted) if s.startswith(prefix) and caller().sees(covered_by(s)) for v in self._state.of(s, deleted)]
        if _flag(request, "latestOnly"):
            found = list({v.subject: v for v in found}.values())
        return _answer(_page(request, [_entry(v) for v in found]))

    async def types(self, request: web.Request) -> web.Response:
        return _answer(["JSON", "PROTOBUF", "AVRO"])

    async def by_id(self, request: web.Request) -> web.Response:
        found = _written(self._state.by_id(_number(request.match_info["id"])))
        return _answer(found | ({"maxId": self._state.newest_id} if _flag(request, "fetchMaxId") else {}))

    async def text_by_id(self, request: web.Request) -> web.Response:
        return _text(self._state.by_id(_number(request.match_info["id"])))

    async def subjects_by_id(self, request: web.Request) -> web.Response:
        return _answer([v.subject for v in self._using(request)])

    async def versions_by_id(self, request: web.Request) -> web.Response:
        return _answer([{"subject": v.subject, "version": v.version} for v in self._using(request)])

    def _using(self, request: web.Request) -> Sequence[Version]:
        found = self._state.using(_number(request.match_info["id"]), _flag(request, "deleted"))
        return [v for v in found if caller().sees(covered_by(v.subject))]

    # ---- compatibility, config, mode

    async def compatible(self, request: web.Request) -> web.Response:
        subject, wanted = request.match_info["subject"], request.match_info.get("version")
        of, text, references = _schema(await _body(request))
        schema = self._state.resolved(of, text, references)
        check(schema)
        against = None if wanted is None else [self._state.version(subject, wanted)]
        found = self._state.incompatible(subject, schema, against=against)
        return _answer({"is_compatible": not found, **({"messages": found} if _flag(request, "verbose") else {})})

    async def config(self, request: web.Request) -> web.Response:
        subject = request.match_info.get("subject", "")
        own = self._state.levels.get(subject)
        if own is None and subject and not _flag(request, "defaultToGlobal"):
            raise Refused(40408, f"Subject '{subject}' does not have subject-level compatibility configured")
        return _answer({"compatibilityLevel": own or self._state.level("")})

    async def configure(self, request: web.Request) -> web.Response:
        level = (await _body(request)).get("compatibility")
        if level not in LEVELS:
            raise Refused(42203, f"Invalid compatibility level. Valid values are {', '.join(LEVELS)}")
        await self._keeper.deciding(lambda state: [Configured(request.match_info.get("subject", ""), level)])
        return _answer({"compatibility": level})

    async def unconfigure(self, request: web.Request) -> web.Response:
        subject = request.match_info.get("subject", "")
        own = self._state.levels.get(subject)
        if own is None and subject:
            raise Refused(40408, f"Subject '{subject}' does not have subject-level compatibility configured")
        await self._keeper.deciding(lambda state: [Configured(subject, None)])
        return _answer({"compatibilityLevel": own or DEFAULT_LEVEL})

    async def mode(self, request: web.Request) -> web.Response:
        subject = request.match_info.get("subject", "")
        if subject and not _flag(request, "defaultToGlobal"):
            return _answer({"mode": self._own_mode(subject)})
        return _answer({"mode": self._state.mode(subject)})

    def _own_mode(self, subject: str) -> Mode:
        own = self._state.modes.get(subject)
        if own is None:
            raise Refused(40409, f"Subject '{subject}' does not have subject-level mode configured")
        return own

    async def set_mode(self, request: web.Request) -> web.Response:
        mode = (await _body(request)).get("mode")
        if mode not in MODES:
            raise Refused(42204, f"Invalid mode. Valid values are {', '.join(MODES)}")
        await self._keeper.deciding(lambda state: [Guarded(request.match_info.get("subject", ""), mode)])
        return _answer({"mode": mode})

    async def unset_mode(self, request: web.Request) -> web.Response:
        subject = request.match_info["subject"]
        own = self._own_mode(subject)
        await self._keeper.deciding(lambda state: [Guarded(subject, None)])
        return _answer({"mode": own})


def _page(request: web.Request, found: Sequence[Any]) -> Sequence[Any]:
    """From `offset` on at most `limit` of them; a negative limit is none."""
    try:
        offset, limit = (int(request.query.get(name, default)) for name, default in (("offset", "0"), ("limit", "-1")))
    except ValueError:
        raise Refused(422, "offset and limit are numbers") from None
    return found[max(0, offset):] if limit < 0 else found[max(0, offset):][:limit]


def _text(v: Version) -> web.Response:
    return web.Response(body=v.text.encode(), content_type=MEDIA)
