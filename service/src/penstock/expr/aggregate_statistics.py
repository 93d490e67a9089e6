"""STDDEV_SAMP, STDDEV_SAMPLE, CORRELATION and COUNT_DISTINCT."""

from __future__ import annotations

import hashlib
import math

import msgspec

from penstock.expr.aggregate import Aggregate
from penstock.expr.aggregates import NUMBERS, aggregate, no_literals, only, summing, wide_aggregate, zero
from penstock.expr.code import Module
from penstock.types import sqltype as t
from penstock.types.sqltype import SqlType

# ---- sample variance: count, sum, and m2, the sum of squared distances from the mean (Youngs and Cramer)


def _variance(m2: float, count: int) -> float:
    return m2 / (count - 1) if count > 1 else 0.0


def _deviation(m2: float, count: int) -> float:
    return math.sqrt(max(0.0, _variance(m2, count)))


def _spread(name: str, kind: SqlType, literals: tuple[object, ...], root: bool) -> Aggregate:
    no_literals(name, literals)
    only(name, kind, NUMBERS)
    result = _deviation if root else _variance

    def add(module: Module, state: list[str], arguments: list[str]) -> list[str]:
        s, m2, n = state
        more = [f"{n} += 1", f"if {n} > 1: {m2} += ({n} * {arguments[0]} - {s}) ** 2 / ({n} * ({n} - 1))"]
        return summing("+", kind, *more)(module, state, arguments)

    def undo(module: Module, state: list[str], arguments: list[str]) -> list[str]:
        s, m2, n = state
        before = [f"if {arguments[0]} is not None and {n} > 1:",
                  f"    {m2} -= ({n} * {arguments[0]} - {s}) ** 2 / ({n} * ({n} - 1))"]
        return [*before, *summing("-", kind, f"{n} -= 1")(module, state, arguments)]

    def merge(module: Module, state: list[str], other: list[str]) -> list[str]:
        (s, m2, n), (s2, m22, n2) = state, other
        return [f"if {n} and {n2}:", f"    {m2} += ({n2} / {n} * {s} - {s2}) ** 2 * {n} / ({n2} * ({n} + {n2}))",
                f"{m2} += {m22}", f"{s} += {s2}", f"{n} += {n2}"]

    return Aggregate(name, (kind,), t.DOUBLE, ("sum", "m2", "count"), (zero(kind), "0.0", "0"), add=add, undo=undo, merge=merge,
                     value=lambda m, s: f"{m.bind(result, result.__name__.strip('_'))}({s[1]}, {s[2]})")


_NUMERIC = ("(INT) -> DOUBLE", "(BIGINT) -> DOUBLE", "(DOUBLE) -> DOUBLE")


@aggregate("STDDEV_SAMPLE", "Sample standard deviation; 0.0 for fewer than two values.", _NUMERIC)
def _stddev_sample(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    return _spread(name, kind, literals, root=True)


@aggregate("STDDEV_SAMP", "Sample variance, which is what this name gives for compatibility; STDDEV_SAMPLE is the deviation.", _NUMERIC)
def _stddev_samp(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    return _spread(name, kind, literals, root=False)


# ---- CORRELATION

def _pearson(n: int, sx: float, sy: float, sxx: float, syy: float, sxy: float) -> float:
    if not n:
        return math.nan
    spread = (n * sxx - sx * sx) * (n * syy - sy * sy)
    shared = n * sxy - sx * sy
    return shared / math.sqrt(spread) if spread > 0 else math.nan


@wide_aggregate("CORRELATION", "Pearson's correlation of pairs; a pair with a null is skipped.",
                ("(INT, INT) -> DOUBLE", "(BIGINT, BIGINT) -> DOUBLE", "(DOUBLE, DOUBLE) -> DOUBLE"), ("x", "y"), 2)
def _correlation(name: str, kinds: tuple[SqlType, ...], literals: tuple[object, ...]) -> Aggregate:
    no_literals(name, literals)
    if len(kinds) != 2 or kinds[0] != kinds[1] or kinds[0].kind not in NUMBERS:
        raise TypeError(f"Function 'CORRELATION' does not accept parameters ({', '.join(map(str, kinds))})")

    def step(sign: str, state: list[str], arguments: list[str]) -> list[str]:
        x, y = arguments
        values = ("1", x, y, f"float({x}) * {x}", f"float({y}) * {y}", f"float({x}) * {y}")
        return [f"if {x} is not None and {y} is not None:", *(f"    {s} {sign}= {v}" for s, v in zip(state, values, strict=True))]

    return Aggregate(name, kinds, t.DOUBLE, ("count", "sum_x", "sum_y", "sum_xx", "sum_yy", "sum_xy"), ("0", "0.0", "0.0", "0.0", "0.0", "0.0"),
                     add=lambda m, s, a: step("+", s, a), undo=lambda m, s, a: step("-", s, a),
                     merge=lambda m, s, o: [f"{a} += {b}" for a, b in zip(s, o, strict=True)],
                     value=lambda m, s: f"{m.bind(_pearson, 'pearson')}({', '.join(s)})")


# ---- COUNT_DISTINCT: the hashes themselves as long as they are few, then HyperLogLog (Flajolet et al. 2007)

EXACT = 512
"""Up to so many distinct values are counted exactly."""
_BITS = 14
_REGISTERS = 1 << _BITS
_ALPHA = 0.7213 / (1 + 1.079 / _REGISTERS)


def _hash(value: object) -> int:
    """64 bits of the value, equal for equal values of one type."""
    data = msgspec.msgpack.encode(value, enc_hook=str, order="deterministic")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _register(registers: bytearray, hashed: int) -> None:
    index, rest = hashed >> (64 - _BITS), hashed & ((1 << (64 - _BITS)) - 1)
    rank = (64 - _BITS) - rest.bit_length() + 1
    registers[index] = max(registers[index], rank)


def _seen(state: list[int] | bytes, value: object) -> list[int] | bytes:
    hashed = _hash(value)
    if isinstance(state, bytes):
        registers = bytearray(state)
        _register(registers, hashed)
        return bytes(registers)
    if hashed in state:
        return state
    return [*state, hashed] if len(state) < EXACT else _dense([*state, hashed])


def _dense(hashes: list[int]) -> bytes:
    registers = bytearray(_REGISTERS)
    for hashed in hashes:
        _register(registers, hashed)
    return bytes(registers)


def _seen_both(left: list[int] | bytes, right: list[int] | bytes) -> list[int] | bytes:
    if isinstance(left, list) and isinstance(right, list):
        both = list(dict.fromkeys([*left, *right]))
        return both if len(both) <= EXACT else _dense(both)
    a, b = (_dense(s) if isinstance(s, list) else s for s in (left, right))
    return bytes(map(max, a, b))


def _estimate(state: list[int] | bytes) -> int:
    if isinstance(state, list):
        return len(state)
    raw = _ALPHA * _REGISTERS**2 / sum(2.0**-r for r in state)
    empty = state.count(0)
    return round(_REGISTERS * math.log(_REGISTERS / empty)) if raw <= 2.5 * _REGISTERS and empty else round(raw)


@aggregate("COUNT_DISTINCT", "Number of different values: exact up to 512, then within about 1 % (HyperLogLog).", ("(T) -> BIGINT",))
def _count_distinct(name: str, kind: SqlType, literals: tuple[object, ...]) -> Aggregate:
    no_literals(name, literals)
    return Aggregate(name, (kind,), t.BIGINT, ("distinct",), ("[]",), undo=None,
                     add=lambda m, s, a: [f"if {a[0]} is not None:", f"    {s[0]} = {m.bind(_seen, 'seen')}({s[0]}, {a[0]})"],
                     merge=lambda m, s, o: [f"{s[0]} = {m.bind(_seen_both, 'seen_both')}({s[0]}, {o[0]})"],
                     value=lambda m, s: f"{m.bind(_estimate, 'estimate')}({s[0]})")


