"""The schema registry as the service uses it: what formats ask (formats/schemas.py, Schemas), and registration."""

from __future__ import annotations

from typing import Protocol

from penstock.errors import RegistryError
from penstock.formats.schemas import NoSchemas, Schemas, WrittenSchema


class Registry(Schemas, Protocol):
    """A registry that takes schemas. Calls may block: in an event loop they belong into a thread. RegistryError when it does not answer."""

    def register(self, subject: str, schema: WrittenSchema) -> int:
        """The id under which the subject has this schema from now on; an equal one keeps its id. RequestError INCOMPATIBLE_SCHEMA or
        INVALID_SCHEMA when it is refused."""


class NoRegistry(NoSchemas):
    """No registry at all: everything is refused (a Registry)."""

    def register(self, subject: str, schema: WrittenSchema) -> int:
        raise RegistryError("no schema registry is configured")
