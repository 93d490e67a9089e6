"""Building blocks of emitted expressions."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.expr.code import Module, indent


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an expression as Python. lines run first; value is an expression that is read once unless atom.

    atom: value is a name or a constant. nullable: it may be None. raises: lines or value may raise outside of a try of their own.
    depth: levels of brackets in value.
    """

    value: str
    lines: tuple[str, ...] = ()
    atom: bool = False
    nullable: bool = False
    raises: bool = False
    depth: int = 0


DEEPEST = 12
"""Values with more brackets are put into a variable: the reader, and Python's parser, get lost otherwise."""


class Parts:
    """Collects the pieces of one operator: their lines, whether they raise, and names for values that are read twice."""

    def __init__(self, module: Module, *pieces: Piece) -> None:
        self.module = module
        self.lines: list[str] = []
        self.raises = any(p.raises for p in pieces)
        self.pieces = [self._shallow(p) for p in pieces]
        self.depth = max((p.depth for p in self.pieces), default=0)

    def _shallow(self, piece: Piece) -> Piece:
        self.lines.extend(piece.lines)
        if piece.depth <= DEEPEST or piece.atom:
            return piece
        return self._stored(piece)

    def _stored(self, piece: Piece) -> Piece:
        name = self.module.fresh("v")
        self.lines.append(f"{name} = {piece.value}")
        return Piece(name, atom=True, nullable=piece.nullable, raises=piece.raises)

    def store_all(self) -> None:
        """Evaluate every operand in a statement of its own: for operators that must not skip one that may raise."""
        self.pieces = [p if p.atom else self._stored(p) for p in self.pieces]
        self.depth = 0

    def guarded(self) -> tuple[list[str], list[str]]:
        """(tests, names): `x is None` for each operand that may be None, and how to read each operand after the tests ran."""
        nullable = [p for p in self.pieces if p.nullable]
        if len(nullable) > 1 and any(p.raises and not p.atom for p in self.pieces):
            self.store_all()
        tests, names = [], []
        for piece in self.pieces:
            if not piece.nullable:
                names.append(piece.value)
            elif piece.atom:
                tests.append(piece.value)
                names.append(piece.value)
            else:
                name = self.module.fresh("v")
                tests.append(f"({name} := {piece.value})")
                names.append(name)
        return tests, names

    def piece(self, value: str, nullable: bool = False, raises: bool = False, atom: bool = False) -> Piece:
        """The operator's own piece."""
        return Piece(value, tuple(self.lines), atom, nullable, self.raises or raises, self.depth + 1)


def null_guard(parts: Parts, call: str, raises: bool) -> Piece:
    """`call` with {0}, {1}, ... for the operands, or None where one is None."""
    if any(p.value == "None" for p in parts.pieces):
        return Piece("None", tuple(parts.lines), atom=True, nullable=True, raises=parts.raises)
    tests, names = parts.guarded()
    value = call.format(*names)
    if tests:
        value = f"(None if {' or '.join(f'{test} is None' for test in tests)} else {value})"
    return parts.piece(value, nullable=bool(tests), raises=raises)


def caught(module: Module, piece: Piece, report: str, failed: str = "None", hint: str = "v") -> Piece:
    """The piece in a try of its own: an exception is reported and gives `failed`."""
    name, error = module.fresh(hint), module.fresh("error")
    lines = [
        "try:", *indent(piece.lines), f"    {name} = {piece.value}",
        f"except Exception as {error}:", f"    {name} = {failed}", f"    {report}({error})",
    ]
    return Piece(name, tuple(lines), atom=True, nullable=True)
