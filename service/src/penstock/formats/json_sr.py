"""JSON_SR: JSON behind the frame of a schema registry. It is read by the columns alone: whatever schema a record names, its JSON says what
is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.expr.code import Code, Module
from penstock.formats.errors import FormatError
from penstock.formats.framing import HEAD, frame, id_of
from penstock.formats.port import Reader, Writer


def unframed(data: bytes) -> bytes:
    """The JSON in a frame. FormatError for bytes without one."""
    if data[:1] != b"\0" or len(data) <= HEAD:
        id_of(data)
        raise FormatError("there is nothing behind the schema id")
    return data[HEAD:]


class FramedReader:
    """Another reader behind a frame (formats/port.py, Reader)."""

    def __init__(self, inner: Reader) -> None:
        self._inner = inner

    def code(self, module: Module, data: str, needed: Sequence[str], targets: Mapping[str, str]) -> tuple[str, ...]:
        text = module.fresh("json_text")
        return (f"{text} = {module.bind(unframed, 'unframed')}({data})", *self._inner.code(module, text, needed, targets))

    def read(self, data: bytes) -> tuple[object, ...]:
        return self._inner.read(unframed(data))


class FramedWriter:
    """Another writer behind a frame (formats/port.py, Writer)."""

    def __init__(self, inner: Writer, schema_id: int) -> None:
        self._inner = inner
        self._head = frame(schema_id)

    def code(self, module: Module, values: Sequence[str]) -> Code:
        lines, value = self._inner.code(module, values)
        made = module.fresh("json_text")
        return Code((*lines, f"{made} = {value}"), f"None if {made} is None else {module.bind(self._head, 'frame')} + {made}")

    def write(self, values: Sequence[object]) -> bytes | None:
        data = self._inner.write(values)
        return None if data is None else self._head + data
