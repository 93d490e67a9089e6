"""Numbers in text as Java's parsers take them (Integer.parseInt, Long.parseLong, Double.parseDouble, new BigDecimal), where Python's
are more generous: no underscores, no white space but around doubles. ValueError otherwise."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from penstock.types.cast import fits_exactly
from penstock.types.java import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN
from penstock.types.sqltype import SqlType

_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NAMED = {"NaN": "nan", "Infinity": "inf"}


def parse_int(text: str) -> int:
    """32 bits."""
    return _whole(text, INT_MIN, INT_MAX, 32)


def parse_long(text: str) -> int:
    """64 bits."""
    return _whole(text, LONG_MIN, LONG_MAX, 64)


def _whole(text: str, low: int, high: int, bits: int) -> int:
    if not _WHOLE.fullmatch(text) or not low <= (value := int(text)) <= high:
        raise ValueError(f"{text[:100]!r} is not a whole number of {bits} bits")
    return value


def parse_double(text: str) -> float:
    """Trimmed; an optional d or f behind; NaN and infinities by name; out of range is an infinity."""
    digits = text.strip("".join(map(chr, range(33))))
    name = digits.lstrip("+-")
    if name in _NAMED and len(digits) - len(name) <= 1:
        return float(digits.replace(name, _NAMED[name]))
    if digits[-1:] in "dDfF":
        digits = digits[:-1]
    if not _REAL.fullmatch(digits):
        raise ValueError(f"{text[:100]!r} is not a number")
    return float(digits)


def parse_decimal(text: str, to_type: SqlType) -> Decimal:
    """A DECIMAL without rounding."""
    if not _REAL.fullmatch(text):
        raise ValueError(f"{text[:100]!r} is not a decimal number")
    try:
        return fits_exactly(Decimal(text), to_type)
    except InvalidOperation:
        raise ValueError(f"{text[:100]!r} does not fit {to_type}") from None


def low_bits(value: Decimal) -> int:
    """The whole part, cut toward 0; of a huge one the low 64 bits, in bounded time (BigDecimal.longValue)."""
    if value.adjusted() < 0:
        return 0
    exponent = int(value.as_tuple().exponent)
    return 0 if exponent >= 64 else int(value)
