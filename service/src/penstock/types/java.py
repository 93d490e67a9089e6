"""Java's arithmetic on Python values: two's complement wrapping, truncating division, and the text of doubles."""

from __future__ import annotations

import math
from decimal import Decimal

INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1
LONG_MIN, LONG_MAX = -(1 << 63), (1 << 63) - 1


def wrap32(value: int) -> int:
    """The low 32 bits as a signed number."""
    return ((value + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


def wrap64(value: int) -> int:
    """The low 64 bits as a signed number."""
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def divide(left: int, right: int) -> int:
    """Quotient cut toward zero (not yet wrapped); ZeroDivisionError for 0."""
    return left // right if (left >= 0) == (right > 0) else -(-left // right)


def remainder(left: int, right: int) -> int:
    """Remainder with the sign of the left side; ZeroDivisionError for 0."""
    if right < 0:
        right = -right
    return left % right if left >= 0 else -(-left % right)


def double_divide(left: float, right: float) -> float:
    """IEEE division: x/0 is an infinity, 0/0 is NaN."""
    if right:
        return left / right
    left, right = float(left), float(right)
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def double_remainder(left: float, right: float) -> float:
    """IEEE remainder as Java's %: NaN for a zero divisor or an infinite dividend."""
    left, right = float(left), float(right)
    if right == 0 or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


def double_text(value: float) -> str:
    """Double.toString (JDK 19 and later): always a fraction, plain from 1e-3 up to below 1e7, else `d.dddE[-]n`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        return text if "e" not in text else format(Decimal(text), "f")
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    if len(digits) == 1:  # Java compares decimals of two digits then: 4.9E-324, not 5.0E-324
        sign, digits, exponent = Decimal(f"{value:.1e}").as_tuple()
    text = "".join(map(str, digits))
    power = len(text) - 1 + int(exponent)
    return f"{'-' if sign else ''}{text[0]}.{text[1:]}E{power}"


def double_to_int(value: float, low: int, high: int) -> int:
    """(int) or (long) of a double: cut toward zero, saturating, NaN is 0."""
    if math.isnan(value):
        return 0
    if value >= high:
        return high
    return low if value <= low else int(value)


def decimal_of_double(value: float) -> Decimal:
    """BigDecimal.valueOf: the exact value of the shortest text; ValueError for NaN and infinities."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a decimal number")
    return Decimal(repr(float(value)))


def utf16_length(text: str) -> int:
    """Number of UTF-16 units."""
    return len(text) if text.isascii() else len(text) + sum(c > "\uffff" for c in text)


def utf16_key(text: str) -> bytes:
    """A sort key in the order of UTF-16 units."""
    return text.encode("utf-16-be", "surrogatepass")


_FLIP = bytes(b ^ 0x80 for b in range(256))


def signed_key(value: bytes) -> bytes:
    """A sort key in the order of signed bytes (java.nio.ByteBuffer.compareTo)."""
    return value.translate(_FLIP)


def to_units(text: str) -> str:
    """The text with each UTF-16 unit as one character, so that positions are Java's."""
    if text.isascii() or not any(c > "\uffff" for c in text):
        return text
    raw = text.encode("utf-16-be", "surrogatepass")
    return "".join(chr(raw[i] << 8 | raw[i + 1]) for i in range(0, len(raw), 2))


def from_units(units: str) -> str:
    """Inverse of to_units. Half of a pair becomes `?`, as it does when Java encodes the text."""
    if units.isascii() or not any("\ud800" <= c <= "\udfff" for c in units):
        return units
    joined = units.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
    return "".join("?" if "\ud800" <= c <= "\udfff" else c for c in joined)
