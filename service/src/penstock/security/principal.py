"""Principals and their rights: values, and the decision whether one may do something.

A right is a role over a glob pattern of names: of relations, topologies and topics, compared without regard to case, as names are unique.
`orders` also covers what is of it, such as `orders.dead_letter`.

| role | may |
|---|---|
| reader | read rows: look up, scan, subscribe, query; read a relation in a topology |
| writer | append rows; write to a relation or topic in a topology |
| admin | everything with what the pattern names: create, change, pause, drop, read and write it |
| node | everything, for the service's own nodes |

Whoever has any role over a name sees its description and its place in lists. What concerns no name (functions, the cluster) every principal
sees, and only an admin of `*` changes.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum

from penstock.errors import RequestError

EVERYTHING = "*"
"""The name of what concerns all names, and the pattern that alone covers it."""
MOST_DECISIONS = 10_000
LEEWAY = 10.0
"""Seconds by which the clocks of those who give and who check credentials may differ."""


class Access(Enum):
    """What is done with a name; KNOWN: nothing but to be a principal."""

    KNOWN = "use the service"
    DESCRIBE = "see"
    READ = "read"
    WRITE = "write"
    ADMIN = "administer"


class Role(Enum):
    """See the module docstring."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


_GRANTED = {
    Access.DESCRIBE: frozenset(Role),
    Access.READ: frozenset((Role.READER, Role.ADMIN)),
    Access.WRITE: frozenset((Role.WRITER, Role.ADMIN)),
    Access.ADMIN: frozenset((Role.ADMIN,)),
}


@dataclass(frozen=True, slots=True)
class Need:
    """A right that a call takes. name: a relation, topology or topic, or EVERYTHING."""

    access: Access
    name: str = EVERYTHING


@dataclass(frozen=True, slots=True)
class Grant:
    """A role over the names that a pattern covers."""

    role: Role
    pattern: str

    def covers(self, name: str) -> bool:
        """Whether the pattern, or the pattern for what it is of, covers the name."""
        if self.pattern == EVERYTHING:
            return True
        if name == EVERYTHING:
            return False
        covers = _compiled(self.pattern)
        return covers.match(name.lower()) is not None or "." in name and covers.match(name.partition(".")[0].lower()) is not None


_patterns: dict[str, re.Pattern[str]] = {}


def _compiled(pattern: str) -> re.Pattern[str]:
    found = _patterns.get(pattern)
    if found is None:
        found = _patterns[pattern] = re.compile(fnmatch.translate(pattern.lower()))
    return found


@dataclass(frozen=True)
class Principal:
    """A caller. node: one of the service's own nodes. expires: seconds since 1970 at which its credentials end, None for never."""

    name: str
    grants: tuple[Grant, ...] = ()
    node: bool = False
    expires: float | None = None
    _decided: dict[Need, bool] = field(default_factory=dict, repr=False, compare=False)

    def may(self, need: Need) -> bool:
        """Whether it has this right."""
        found = self._decided.get(need)
        if found is None:
            if len(self._decided) > MOST_DECISIONS:
                self._decided.clear()
            found = self._decided[need] = self._decide(need)
        return found

    def _decide(self, need: Need) -> bool:
        if self.node or need.access is Access.KNOWN:
            return True
        return any(g.role in _GRANTED[need.access] and g.covers(need.name) for g in self.grants)

    def sees(self, name: str) -> bool:
        """Whether lists show it this name."""
        return self.may(Need(Access.DESCRIBE, name))

    def require(self, needs: Iterable[Need], method: str = "") -> None:
        """Raises PERMISSION_DENIED for the first that it lacks."""
        for need in needs:
            if not self.may(need):
                raise denied(self, need, method)


def invalid(why: str) -> RequestError:
    """The refusal of credentials; why holds nothing secret."""
    return RequestError("CREDENTIALS_INVALID", why)


def denied(principal: Principal, need: Need, method: str = "") -> RequestError:
    """The refusal."""
    what = "what concerns all names" if need.name == EVERYTHING else need.name
    role = next(r.value for r in (Role.READER, Role.WRITER, Role.ADMIN) if need.access not in _GRANTED or r in _GRANTED[need.access])
    return RequestError("PERMISSION_DENIED", f"{principal.name} may not {need.access.value} {what}: it takes the role {role} there",
                        {"method": method, "resource": need.name, "principal": principal.name, "role": role})


EVERYBODY = Principal("anonymous", node=True)
"""Whoever reaches a listener without authentication: it is on loopback, or said to be insecure."""



class _Acting:
    """Whom a call acts for; one object for all tasks of the call, so that all of them hear when his rights change."""

    __slots__ = ("principal",)

    def __init__(self, principal: Principal) -> None:
        self.principal = principal


_caller: ContextVar[_Acting] = ContextVar("caller")


def caller() -> Principal:
    """The principal of the call that is answered now; EVERYBODY outside of calls, where the service acts for itself."""
    acting = _caller.get(None)
    return EVERYBODY if acting is None else acting.principal


def act_for(principal: Principal) -> None:
    """A call begins: make it the caller in this task and what it begins from now on."""
    _caller.set(_Acting(principal))


def go_on_for(principal: Principal) -> None:
    """The same call goes on for the caller with the rights that it has now."""
    _caller.get().principal = principal
