"""What happens when generated code raises: the service's own errors go up, everything else is blamed on the record and its node."""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Callable, Sequence
from typing import NamedTuple

from penstock.engine.port import BadRecord
from penstock.errors import LogError, StateError, TaskFailed
from penstock.formats.errors import FormatError
from penstock.log.port import Record

FATAL = (StateError, LogError, MemoryError, TaskFailed)
"""Not the record's fault: the task stops, nothing is lost."""


class PluginError(Exception):
    """What a plug-in raised, with its traceback as text."""


class FlushedRecord(NamedTuple):
    """Stands for the record where a table's change is sent on later than the record that caused it."""

    key: bytes | None
    timestamp: int
    value: bytes | None = None
    offset: int = -1
    headers: Sequence[tuple[str, bytes | None]] = ()


_files: weakref.WeakValueDictionary[str, Failures] = weakref.WeakValueDictionary()


def node_at(file: str, line: int) -> str:
    """The node of a line of generated code that is in use; empty for any other file."""
    found = _files.get(file)
    return found.nodes[line - 1] if found is not None and 0 < line <= len(found.nodes) else ""


class Failures:
    """Called by generated code in its `except` clauses. `topic` is what the program is working on."""

    def __init__(self, partition: int, bad: Callable[[BadRecord], None]) -> None:
        self.topic = ""
        self.file = ""
        self.nodes: Sequence[str] = ()  # node by line of the generated module, from line 1
        self._partition = partition
        self._bad = bad
        self._raised: BaseException | None = None  # by `bad` itself: passes through every `except` on its way up

    def code(self, file: str, nodes: Sequence[str]) -> None:
        """The generated module that it is called by."""
        self.file, self.nodes = file, nodes
        _files[file] = self

    def failed(self, error: Exception, record: Record) -> None:
        """Blame the record at the node whose code raised."""
        if isinstance(error, FATAL) or error is self._raised:
            raise error
        self.blame(self._node_of(error), error, record)

    def passes(self, error: Exception) -> bool:
        """Whether code that is called by generated code, and calls it, is not to blame: the error comes from there, or from `bad`."""
        return error is self._raised or bool(self._node_of(error))

    def blame(self, node: str, error: Exception, record: Record) -> None:
        """Blame the record at the node whose code raised, or at this one where no generated code did."""
        if error is self._raised:
            raise error
        reason = str(error) if isinstance(error, FormatError | PluginError) else f"{type(error).__name__}: {error}"
        topic = self.topic if record.offset >= 0 else ""
        try:
            self._bad(BadRecord(self._node_of(error) or node, topic, self._partition, record, reason))
        except Exception as raised:
            self._raised = raised
            raise

    def _node_of(self, error: Exception) -> str:
        node = ""
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == self.file:
                node = self.nodes[line - 1]
        return node


def nodes_by_line(lines: Sequence[str]) -> list[str]:
    """For each line the node whose comment `# node: what` is in force: the nearest one above that is not indented further."""
    found: list[str] = []
    open_nodes: list[tuple[int, str]] = []
    for line in lines:
        text = line.lstrip()
        depth = len(line) - len(text)
        while text and open_nodes and open_nodes[-1][0] > depth:
            open_nodes.pop()
        if text.startswith("# ") and ": " in text:
            open_nodes.append((depth, text[2:].partition(": ")[0]))
        found.append(open_nodes[-1][1] if open_nodes else "")
    return found
