"""What SET and DEFINE leave behind for later statements: an immutable value that travels with each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from penstock.expr.ast import Ast
from penstock.sql import settings
from penstock.sql.faults import refuse


@dataclass(frozen=True, slots=True)
class Session:
    """properties by lower-case name, as SET gives them; variables by upper-case name, as DEFINE gives them."""

    properties: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(properties: Mapping[str, str], variables: Mapping[str, str]) -> Session:
        """A session from a request. Raises RequestError for a property that does not exist or cannot have this value."""
        for name, value in properties.items():
            settings.check(name, value)
        return Session({settings.plain(n): v for n, v in properties.items()}, {n.upper(): v for n, v in variables.items()})

    def setting(self, name: str) -> str:
        """A property's value, its default when it is not set, "" when it has none."""
        return self.properties.get(settings.plain(name), settings.default(name))

    def truth(self, name: str) -> bool:
        """Whether a property is true."""
        return self.setting(name).lower() == "true"

    def set(self, name: str, value: str) -> Session:
        """SET. Raises RequestError."""
        settings.check(name, value)
        return replace(self, properties={**self.properties, settings.plain(name): value})

    def unset(self, name: str) -> Session:
        """UNSET: back to the default."""
        settings.check(name, None)
        return replace(self, properties={n: v for n, v in self.properties.items() if n != settings.plain(name)})

    def define(self, name: str, value: str) -> Session:
        """DEFINE."""
        return replace(self, variables={**self.variables, name.upper(): value})

    def undefine(self, name: str, at: Ast) -> Session:
        """UNDEFINE. Refused when there is no such variable."""
        if name.upper() not in self.variables:
            raise refuse(f"Cannot undefine variable '{name}' which was never defined", at)
        return replace(self, variables={n: v for n, v in self.variables.items() if n != name.upper()})
