"""COALESCE and its kin."""

from __future__ import annotations

from penstock.expr.functions.registry import scalar


@scalar("COALESCE", "T... -> =0", text="The first argument that is not null.", arguments=("value",), nulls=True, safe=True)
def coalesce(*values: object) -> object:
    return next((v for v in values if v is not None), None)


@scalar("IFNULL", "T, T -> =0", text="The first argument, or the second where the first is null.", arguments=("value", "alternative"), nulls=True, safe=True)
def if_null(value: object, alternative: object) -> object:
    return alternative if value is None else value


@scalar("NULLIF", "T, T -> =0", text="Null if both arguments are equal, else the first.", arguments=("value", "other"), nulls=True, safe=True)
def null_if(value: object, other: object) -> object:
    return None if value == other else value


@scalar("AS_VALUE", "T -> =0", text="Copies a key column into the value.", arguments=("key",), nulls=True, inline="{0}", safe=True)
def as_value(key: object) -> object:
    return key
