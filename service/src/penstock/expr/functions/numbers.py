"""Numbers: rounding, signs, logarithms, trigonometry. IEEE results (NaN, infinities) where Python would raise."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from penstock.expr.functions.registry import scalar
from penstock.types import java
from penstock.types import sqltype as t
from penstock.types.cast import WIDE
from penstock.types.coerce import widen_decimals
from penstock.types.sqltype import Kind, SqlType


@scalar("ABS", "INT -> INT", text="Absolute value; the smallest INT and BIGINT stay negative.", arguments=("number",), safe=True)
def abs_int(number: int) -> int:
    return java.wrap32(abs(number))


@scalar("ABS", "BIGINT -> BIGINT", safe=True)
def abs_bigint(number: int) -> int:
    return java.wrap64(abs(number))


@scalar("ABS", "DOUBLE -> DOUBLE", inline="abs({0})", safe=True)
def abs_double(number: float) -> float:
    return abs(number)


@scalar("ABS", "DECIMAL -> =0", inline="{0}.copy_abs()", safe=True)
def abs_decimal(number: Decimal) -> Decimal:
    return number.copy_abs()


def _whole(rounding: str) -> Callable[[Decimal], Decimal]:
    def apply(number: Decimal) -> Decimal:
        scale = number.as_tuple().exponent
        return WIDE.plus(number.quantize(Decimal(1), rounding, WIDE).quantize(Decimal(1).scaleb(int(scale)), None, WIDE))

    return apply


def _double_whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda number: math.copysign(float(function(number)), number) if math.isfinite(number) else number


for _name, _function, _rounding, _text in (
    ("CEIL", math.ceil, ROUND_CEILING, "The smallest whole number that is not below."),
    ("FLOOR", math.floor, ROUND_FLOOR, "The largest whole number that is not above."),
):
    scalar(_name, "INT -> INT", "BIGINT -> BIGINT", text=_text, arguments=("number",), inline="{0}", safe=True)(lambda number: number)
    scalar(_name, "DOUBLE -> DOUBLE", safe=True)(_double_whole(_function))
    scalar(_name, "DECIMAL -> =0", safe=True)(_whole(_rounding))


# ---- ROUND and TRUNC: ties go up, or the fraction is cut

def _nearest(number: float) -> int:
    if not math.isfinite(number):
        return java.double_to_int(number, java.LONG_MIN, java.LONG_MAX)
    below = math.floor(number)
    return java.double_to_int(float(below + 1 if number - below >= 0.5 else below), java.LONG_MIN, java.LONG_MAX)


def _cut(number: float) -> int:
    return java.double_to_int(number, java.LONG_MIN, java.LONG_MAX)


def _half_up(number: Decimal) -> str:
    """Ties toward +infinity."""
    return ROUND_HALF_UP if number >= 0 else ROUND_HALF_DOWN


def _down(number: Decimal) -> str:
    return ROUND_DOWN


def _double_digits(mode: Callable[[Decimal], str]) -> Callable[[float, int], float]:
    def apply(number: float, digits: int) -> float:
        if not math.isfinite(number):
            return number
        exact = java.decimal_of_double(number)
        if digits >= -int(exact.as_tuple().exponent):
            return number
        if digits < -400:
            return 0.0
        return float(WIDE.plus(exact.quantize(Decimal(1).scaleb(-digits), mode(exact), WIDE)))

    return apply


def _decimal_whole(mode: Callable[[Decimal], str]) -> Callable[[Decimal], Decimal]:
    return lambda number: WIDE.plus(number.quantize(Decimal(1), mode(number), WIDE))


def _decimal_digits(mode: Callable[[Decimal], str]) -> Callable[[tuple[SqlType, ...]], Callable[[Decimal, int], Decimal]]:
    def bound(types: tuple[SqlType, ...]) -> Callable[[Decimal, int], Decimal]:
        unit = Decimal(1).scaleb(-types[0].scale)

        def apply(number: Decimal, digits: int) -> Decimal:
            if digits >= types[0].scale:
                return number
            if digits < -400:
                return Decimal(0).quantize(unit)
            rounded = WIDE.plus(number.quantize(Decimal(1).scaleb(-digits), mode(number), WIDE).quantize(unit, None, WIDE))
            if rounded and rounded.adjusted() >= types[0].precision - types[0].scale:
                raise ValueError(f"{rounded} does not fit {types[0]}")
            return rounded

        return apply

    return bound


def _whole_part(types: tuple[SqlType, ...]) -> SqlType:
    return t.decimal(max(1, types[0].precision - types[0].scale), 0)


for _name, _double, _mode, _text in (
    ("ROUND", _nearest, _half_up, "Rounds to whole numbers or to digits behind the point; ties go up."),
    ("TRUNC", _cut, _down, "Cuts to whole numbers or to digits behind the point."),
):
    scalar(_name, "INT! -> BIGINT", "BIGINT! -> BIGINT", text=_text, arguments=("number", "digits"), inline="{0}")(lambda number: number)
    scalar(_name, "DOUBLE -> BIGINT", safe=True)(_double)
    scalar(_name, "DOUBLE, INT -> DOUBLE")(_double_digits(_mode))
    scalar(_name, "DECIMAL -> DECIMAL", result=_whole_part)(_decimal_whole(_mode))
    scalar(_name, "DECIMAL, INT -> =0", factory=True)(_decimal_digits(_mode))


@scalar("SIGN", "INT -> INT", "BIGINT -> INT", "DOUBLE -> INT", text="-1, 0 or 1.", arguments=("number",), safe=True)
def sign(number: float) -> int:
    return (number > 0) - (number < 0)


# ---- functions of doubles

def _ieee(function: Callable[..., float], overflow: Callable[..., float] = lambda *_: math.inf) -> Callable[..., float]:
    def apply(*numbers: float) -> float:
        try:
            return function(*numbers)
        except ValueError:
            return math.nan
        except OverflowError:
            return overflow(*numbers)

    return apply


def _cbrt(number: float) -> float:
    """One step of Newton's behind the C library's root, whose last digit is not always right: CBRT(27) is 3."""
    root = math.cbrt(number)
    cube = root * root * root
    return root - (cube - number) / (3 * root * root) if root and math.isfinite(cube) else root


def _ln(number: float) -> float:
    return -math.inf if number == 0 else math.log(number)


def _cot(number: float) -> float:
    return java.double_divide(1.0, math.tan(number))


for _name, _real, _text in (
    ("SQRT", math.sqrt, "Square root."), ("CBRT", _cbrt, "Cube root."), ("EXP", math.exp, "e to the power of the number."),
    ("LN", _ln, "Natural logarithm."), ("LOG", _ln, "Natural logarithm, or the logarithm to a base: LOG(base, number)."),
    ("SIN", math.sin, "Sine of radians."), ("COS", math.cos, "Cosine of radians."), ("TAN", math.tan, "Tangent of radians."),
    ("ASIN", math.asin, "Arc sine."), ("ACOS", math.acos, "Arc cosine."), ("ATAN", math.atan, "Arc tangent."),
    ("SINH", math.sinh, "Hyperbolic sine."), ("COSH", math.cosh, "Hyperbolic cosine."), ("TANH", math.tanh, "Hyperbolic tangent."),
    ("COT", _cot, "Cotangent of radians."), ("DEGREES", math.degrees, "Radians to degrees."),
    ("RADIANS", math.radians, "Degrees to radians."),
):
    _signed = (lambda number: math.copysign(math.inf, number)) if _name == "SINH" else (lambda *_: math.inf)
    scalar(_name, "DOUBLE -> DOUBLE", text=_text, arguments=("number",), safe=True)(_ieee(_real, _signed))


@scalar("LOG", "DOUBLE, DOUBLE -> DOUBLE", safe=True)
def log(base: float, number: float) -> float:
    if base <= 0 or base == 1 or number < 0:
        return math.nan
    return java.double_divide(_ln(number), math.log(base))


@scalar("ATAN2", "DOUBLE, DOUBLE -> DOUBLE", text="Angle of the point (x, y).", arguments=("y", "x"), safe=True)
def atan2(y: float, x: float) -> float:
    return math.atan2(y, x)


@scalar("POWER", "DOUBLE, DOUBLE -> DOUBLE", text="base to the power of exponent.", arguments=("base", "exponent"), safe=True)
def power(base: float, exponent: float) -> float:
    if abs(base) == 1 and math.isinf(exponent) or math.isnan(exponent):
        return math.nan
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        if base != 0:
            return math.nan
        return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf


@scalar("PI", "-> DOUBLE", text="The ratio of a circle's circumference to its diameter.", inline=repr(math.pi), safe=True)
def pi() -> float:
    return math.pi


@scalar("RANDOM", "-> DOUBLE", text="A random number from 0 up to below 1.", deterministic=False, safe=True)
def random_double() -> float:
    return random.random()


# ---- GREATEST and LEAST

_ORDERED = ("INT", "BIGINT", "DOUBLE", "DECIMAL", "STRING", "BYTES", "DATE", "TIME", "TIMESTAMP")


def _ordered(types: tuple[SqlType, ...]) -> SqlType:
    """DECIMALs widen; the value keeps its own digits."""
    return functools.reduce(widen_decimals, types) if types[0].kind is Kind.DECIMAL else types[0]


def sort_key(kind: Kind) -> Callable[[Any], Any] | None:
    """How values of a type are ordered: texts by UTF-16 units, bytes as signed; None for Python's own order."""
    match kind:
        case Kind.STRING:
            return java.utf16_key
        case Kind.BYTES:
            return java.signed_key
        case _:
            return None


def _extreme(pick: Callable[..., Any]) -> Callable[[tuple[SqlType, ...]], Callable[..., Any]]:
    def bound(types: tuple[SqlType, ...]) -> Callable[..., Any]:
        key = sort_key(types[0].kind)
        return lambda *values: pick((v for v in values if v is not None), key=key, default=None)

    return bound


_SIGNATURES = tuple(f"{kind}... -> =0" for kind in _ORDERED)

scalar("GREATEST", *_SIGNATURES, text="The largest argument; nulls are ignored.", arguments=("value",), result=_ordered, nulls=True, factory=True,
       safe=True)(_extreme(max))
scalar("LEAST", *_SIGNATURES, text="The smallest argument; nulls are ignored.", arguments=("value",), result=_ordered, nulls=True, factory=True,
       safe=True)(_extreme(min))
