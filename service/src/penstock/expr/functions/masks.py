"""MASK and its kin: hide letters and digits, keep the shape."""

from __future__ import annotations

import functools
from collections.abc import Callable

from penstock.expr.functions.registry import scalar

Mask = str | None
DEFAULT: tuple[Mask, Mask, Mask, Mask] = ("X", "x", "n", "-")


class _Table(dict[int, int]):
    """str.translate's table; characters are classified when they first occur. ASCII text goes through a table of bytes, which is
    several times faster."""

    def __init__(self, masks: tuple[Mask, ...]) -> None:
        super().__init__()
        for mask in masks:
            if mask is not None and len(mask) != 1:
                raise ValueError(f"a mask is one character, not {mask!r}")
        self.masks = masks
        self.one = masks[0] if masks[0] is not None and len(set(masks)) == 1 and masks[0].isascii() else None
        plain = all(mask is None or mask.isascii() for mask in masks)
        self.ascii = bytes(self[code] for code in range(128)) + bytes(128) if plain else None

    def mask(self, text: str) -> str:
        """The text, masked."""
        if self.ascii is not None and text.isascii():
            return text.encode("ascii").translate(self.ascii).decode("ascii")
        return text.translate(self)

    def __missing__(self, code: int) -> int:
        sign = chr(code)
        mask = self.masks[0 if sign.isupper() else 1 if sign.islower() else 2 if sign.isdecimal() else 3]
        self[code] = masked = code if mask is None else ord(mask)
        return masked


@functools.lru_cache(256)
def _table(*masks: Mask) -> _Table:
    return _Table(masks)


_DEFAULT = _table(*DEFAULT)
_default_mask = _DEFAULT.mask


@scalar("MASK", "STRING -> STRING", arguments=("text", "upper", "lower", "digit", "other"), safe=True,
        text="Hides a text: upper-case letters become X, lower-case x, digits n, the rest -; other masks may be given, null leaves a class as it is.")
def mask(text: str) -> str:
    return _default_mask(text)


@scalar("MASK", "STRING, STRING, STRING, STRING, STRING -> STRING", nulls=True)
def mask_with(text: str | None, *masks: Mask) -> str | None:
    return None if text is None else _table(*masks).mask(text)


def _keep(text: str, cut: int, table: _Table) -> str:
    """The first `cut` characters masked, the rest as it is."""
    if table.one is not None and text.isascii():
        return table.one * cut + text[cut:]
    return table.mask(text[:cut]) + text[cut:]


def _hide(text: str, cut: int, table: _Table) -> str:
    """The first `cut` characters as they are, the rest masked."""
    return text[:cut] + table.mask(text[cut:])


def _part(apply: Callable[[str, int, _Table], str], from_left: bool) -> Callable[..., str | None]:
    """A function of a text and a number of characters, counted from the left or from the right."""

    def masked(text: str | None, count: int, *masks: Mask) -> str | None:
        if count < 0:
            raise ValueError(f"the number of characters must not be negative: {count}")
        if text is None:
            return None
        size = len(text)
        cut = (count if count < size else size) if from_left else (size - count if count < size else 0)
        return apply(text, cut, _table(*masks) if masks else _DEFAULT)

    return masked


for _name, _apply, _from_left, _text in (
    ("MASK_LEFT", _keep, True, "Hides the first n characters."),
    ("MASK_RIGHT", _hide, False, "Hides the last n characters."),
    ("MASK_KEEP_LEFT", _hide, True, "Hides all but the first n characters."),
    ("MASK_KEEP_RIGHT", _keep, False, "Hides all but the last n characters."),
):
    scalar(_name, "STRING, INT! -> STRING", "STRING, INT!, STRING, STRING, STRING, STRING -> STRING", text=_text, nulls=True,
           arguments=("text", "n", "upper", "lower", "digit", "other"))(_part(_apply, _from_left))
