"""How statements are refused."""

from __future__ import annotations

from penstock.errors import ExpressionError
from penstock.expr.ast import Ast, Ident


def refuse(message: str, at: Ast, reason: str = "INVALID_EXPRESSION", **metadata: str) -> ExpressionError:
    """A refusal to raise; `at` is the part of the statement that is to blame."""
    return ExpressionError(message, at.start, at.end, reason, metadata=metadata)


def unsupported(what: str, at: Ast) -> ExpressionError:
    """What ksqlDB has and this service does not, yet."""
    return refuse(f"{what} is not supported yet", at, "UNSUPPORTED", feature=what)


def folded(name: Ident) -> str:
    """The exact name that an identifier of a statement means: upper case unless quoted."""
    return name.text if name.quoted else name.text.upper()
