"""Refusals of a topology: every one names the node and the field of the request, and a reason of errors.proto.

| reason | when |
|---|---|
| INVALID_TOPOLOGY | a name, an input, a setting or an operator's field is wrong |
| DUPLICATE_NODE | two nodes of one name |
| UNKNOWN_NODE | an input that does not exist |
| CYCLE | the inputs form a cycle, which is named |
| UNKNOWN_RELATION, UNKNOWN_COLUMN | no such name; metadata `candidates` |
| MISSING_TOPIC | a topic that must exist does not |
| INVALID_SCHEMA | a declared schema, or two columns of one name |
| INVALID_FORMAT | an unknown format, or one that cannot hold the columns |
| INVALID_EXPRESSION, UNKNOWN_FUNCTION, TYPE_MISMATCH | an expression; with its position |
| CO_PARTITIONING | inputs of a join or merge do not lie in the same partitions |
| NAME_TAKEN | a relation of that name exists |
| UNSUPPORTED | not built |
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from penstock.errors import RequestError


def refuse(reason: str, message: str, *, node: str = "", field: str = "", **metadata: str) -> RequestError:
    """A refusal to raise. Empty metadata is left out."""
    given = {"node": node, "field": field, **metadata}
    return RequestError(reason, message, {k: v for k, v in given.items() if v})


def candidates(name: str, names: Iterable[str]) -> str:
    """Names like this one, for `did you mean`; separated by commas."""
    known = sorted(set(names))
    folded = {n.lower(): n for n in known}
    return ", ".join(folded[m] for m in difflib.get_close_matches(name.lower(), list(folded), n=3, cutoff=0.5))


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """` (did you mean a, b?)`, or nothing."""
    like = candidates(name, names)
    return f" (did you mean {like}?)" if like else ""
