"""Reading .proto files, proto2 and proto3, into descriptors: registries keep Protobuf schemas as text.

What says nothing about data is skipped: services, extensions, options other than those of Connect that give a DECIMAL its digits.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor

from penstock.formats.errors import FormatError
from penstock.formats.protobuf_pool import KNOWN, FieldProto, message_of, pool_of
from penstock.formats.schemas import WrittenSchema

MAIN = "schema.proto"
"""The name of the file whose text is the schema."""

_TOKEN = re.compile(r"""\s+|//[^\n]*|/\*.*?\*/|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<word>\.?[A-Za-z_][\w.]*)|(?P<number>[+-]?[\d.][\w.+-]*)|(?P<sign>.)""",
                    re.DOTALL)
_SCALARS = {name: getattr(FieldProto, f"TYPE_{name.upper()}") for name in (
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes")}


@dataclass(frozen=True)
class Parsed:
    """A schema with its messages. digits: (precision, scale) of decimal fields by the field's full name, as Connect's options say."""

    messages: tuple[Descriptor, ...]
    digits: dict[str, tuple[int, int]]

    def at(self, indexes: tuple[int, ...]) -> Descriptor:
        """The message at this place. FormatError when there is none."""
        found, level = None, list(self.messages)
        for index in indexes:
            if not 0 <= index < len(level):
                raise FormatError(f"the schema has no message at {list(indexes)}")
            found = level[index]
            level = [n for n in found.nested_types]
        assert found is not None
        return found

    def named(self, name: str) -> Descriptor:
        """The message of this full or simple name; of no name the first one. FormatError when there is none."""
        if not self.messages:
            raise FormatError("the schema has no message")
        if not name:
            return self.messages[0]
        found = next((m for m in self._all(self.messages) if name in (m.full_name, m.name)), None)
        if found is None:
            raise FormatError(f"the schema has no message {name}")
        return found

    def _all(self, level: tuple[Descriptor, ...]) -> Iterator[Descriptor]:
        for m in level:
            yield m
            yield from self._all(tuple(m.nested_types))

    def indexes(self, message: Descriptor) -> list[int]:
        """The place of a message."""
        above = message.containing_type
        siblings = self.messages if above is None else tuple(above.nested_types)
        own = next(n for n, m in enumerate(siblings) if m.full_name == message.full_name)
        return [own] if above is None else [*self.indexes(above), own]


@functools.lru_cache(1024)
def parse_schema(schema: WrittenSchema) -> Parsed:
    """The schema with what it imports. FormatError with what is wrong."""
    digits: dict[str, tuple[int, int]] = {}
    given = dict(schema.references)
    files = [parse_file(text, name, digits) for name, text in schema.references]
    main = parse_file(schema.text, MAIN, digits)
    for missing in (d for d in main.dependency if d not in given and d not in KNOWN):
        raise FormatError(f"the Protobuf schema imports {missing}, which is no reference of it")
    pool = pool_of([*files, main])
    prefix = f"{main.package}." if main.package else ""
    return Parsed(tuple(message_of(pool, prefix + m.name) for m in main.message_type), digits)


def parse_file(text: str, name: str, digits: dict[str, tuple[int, int]]) -> descriptor_pb2.FileDescriptorProto:
    """One .proto file; digits of decimal fields are added to `digits`. FormatError with the line of what is wrong."""
    return _Parser(text, name, digits).file()


@dataclass
class _Parser:
    text: str
    name: str
    digits: dict[str, tuple[int, int]]
    tokens: list[tuple[str, str, int]] = field(default_factory=list)  # (kind, text, place)
    at: int = 0

    def __post_init__(self) -> None:
        self.tokens = [(m.lastgroup, m.group(), m.start()) for m in _TOKEN.finditer(self.text) if m.lastgroup]
        self.tokens.append(("end", "the end", len(self.text)))

    # ---- tokens

    def wrong(self, wanted: str) -> FormatError:
        kind, found, place = self.tokens[self.at]
        line = self.text.count("\n", 0, place) + 1
        return FormatError(f"{self.name} line {line}: {wanted} is expected, not {found}")

    def peek(self) -> str:
        return self.tokens[self.at][1]

    def next(self, kind: str = "", what: str = "") -> str:
        found = self.tokens[self.at]
        if kind and found[0] != kind or found[0] == "end":
            raise self.wrong(what or kind or "more")
        self.at += 1
        return found[1]

    def take(self, text: str) -> bool:
        if self.tokens[self.at][1] == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.wrong(f"'{text}'")

    def string(self) -> str:
        out = ""
        while self.tokens[self.at][0] == "text":
            out += re.sub(r"\\(.)", r"\1", self.next()[1:-1])
        return out

    def skip(self) -> None:
        """To the end of a statement: `;`, or a block in braces."""
        depth = 0
        while True:
            sign = self.next()
            if sign in "{[(":
                depth += 1
            elif sign in "}])":
                depth -= 1
                if depth == 0 and sign == "}":
                    self.take(";")
                    return
            elif sign == ";" and depth == 0:
                return

    # ---- the file

    def file(self) -> descriptor_pb2.FileDescriptorProto:
        made = descriptor_pb2.FileDescriptorProto(name=self.name, syntax="proto2")
        while self.tokens[self.at][0] != "end":
            word = self.next()
            match word:
                case "syntax" | "edition":
                    self.expect("=")
                    made.syntax = self.string()
                    self.expect(";")
                case "package":
                    made.package = self.next("word")
                    self.expect(";")
                case "import":
                    if self.peek() in ("public", "weak"):
                        self.next()
                    made.dependency.append(self.string())
                    self.expect(";")
                case "message":
                    self.message(made.message_type.add(), made.syntax, made.package)
                case "enum":
                    self.enum(made.enum_type.add())
                case "option" | "service" | "extend":
                    self.skip()
                case ";":
                    continue
                case _:
                    self.at -= 1
                    raise self.wrong("a message, an enum or an import")
        if made.syntax not in ("proto2", "proto3"):
            raise FormatError(f"{self.name}: syntax {made.syntax} is not supported; proto2 and proto3 are")
        if made.syntax == "proto2":
            made.ClearField("syntax")
        return made

    def message(self, made: descriptor_pb2.DescriptorProto, syntax: str, scope: str) -> None:
        made.name = self.next("word", "a message's name")
        full = f"{scope}.{made.name}" if scope else made.name
        optional: list[FieldProto] = []
        self.expect("{")
        while not self.take("}"):
            word = self.peek()
            if word in ("option", "reserved", "extensions", "extend"):
                self.skip()
            elif word == ";":
                self.next()
            elif word == "message":
                self.next()
                self.message(made.nested_type.add(), syntax, full)
            elif word == "enum":
                self.next()
                self.enum(made.enum_type.add())
            elif word == "oneof":
                self.next()
                index = len(made.oneof_decl)
                made.oneof_decl.add(name=self.next("word"))
                self.expect("{")
                while not self.take("}"):
                    if self.peek() == "option":
                        self.skip()
                        continue
                    self.field(made, full, syntax, optional, index)
            elif word == "map" and self.tokens[self.at + 1][1] == "<":
                self.map(made, full)
            else:
                self.field(made, full, syntax, optional, None)
        for one in optional:  # synthetic oneofs come after the real ones
            one.oneof_index = len(made.oneof_decl)
            made.oneof_decl.add(name=f"_{one.name}")

    def field(self, made: descriptor_pb2.DescriptorProto, full: str, syntax: str, optional: list[FieldProto], oneof: int | None) -> None:
        label = FieldProto.LABEL_OPTIONAL
        word = self.next("word", "a field's type")
        presence = False
        if word in ("repeated", "required", "optional"):
            label = {"repeated": FieldProto.LABEL_REPEATED, "required": FieldProto.LABEL_REQUIRED}.get(word, label)
            presence = word == "optional" and syntax == "proto3"
            word = self.next("word", "a field's type")
        if word == "group":
            raise FormatError(f"{self.name}: groups are not supported")
        one = made.field.add(name=self.next("word", "a field's name"), label=label)
        _set_type(one, word)
        self._end(one, full)
        if oneof is not None:
            one.oneof_index = oneof
        elif presence:
            one.proto3_optional = True
            optional.append(one)

    def map(self, made: descriptor_pb2.DescriptorProto, full: str) -> None:
        self.next()
        self.expect("<")
        key = self.next("word")
        self.expect(",")
        value = self.next("word")
        self.expect(">")
        one = made.field.add(name=self.next("word", "a field's name"), label=FieldProto.LABEL_REPEATED, type=FieldProto.TYPE_MESSAGE)
        entry = made.nested_type.add(name="".join(p[:1].upper() + p[1:] for p in one.name.split("_")) + "Entry")
        entry.options.map_entry = True
        for number, (name, word) in enumerate((("key", key), ("value", value)), 1):
            _set_type(entry.field.add(name=name, number=number, label=FieldProto.LABEL_OPTIONAL), word)
        one.type_name = f".{full}.{entry.name}"
        self._end(one, full)

    def _end(self, one: FieldProto, full: str) -> None:
        self.expect("=")
        one.number = self._whole()
        if self.take("["):
            start, depth = self.at, 1
            while depth:
                sign = self.next()
                depth += (sign in "[{") - (sign in "]}")
            self._options(one, full, [t for _, t, _ in self.tokens[start:self.at]])
        self.expect(";")

    def _options(self, one: FieldProto, full: str, words: list[str]) -> None:
        """Of all options only the digits of a decimal, `default`, which proto2 readers give, and `packed`."""
        found: dict[str, str] = {}
        pair: dict[str, str] = {}
        for name, colon, text in zip(words, words[1:], words[2:], strict=False):
            if colon == ":" and name in ("key", "value"):
                pair[name] = text.strip("\"'")
                if len(pair) == 2:
                    found[pair["key"]] = pair["value"]
                    pair = {}
            elif colon == "=" and name == "default":
                one.default_value = text.strip("\"'")
            elif colon == "=" and name == "packed":
                one.options.packed = text == "true"
        if found.get("precision", "").isdecimal():
            self.digits[f"{full}.{one.name}"] = int(found["precision"]), int(found.get("scale") or 0)

    def _whole(self) -> int:
        text = self.next("number", "a number")
        try:
            return int(text, 0)
        except ValueError:
            self.at -= 1
            raise self.wrong("a whole number") from None

    def enum(self, made: descriptor_pb2.EnumDescriptorProto) -> None:
        made.name = self.next("word", "an enum's name")
        self.expect("{")
        while not self.take("}"):
            word = self.next("word", "an enum's value") if self.peek() != ";" else self.next()
            if word == ";":
                continue
            if word == "reserved" or word == "option" and self.peek() != "=":
                self.skip()
                if word == "option" and "allow_alias" in self.text:
                    made.options.allow_alias = True
                continue
            self.expect("=")
            negative = self.take("-")
            number = self._whole()
            made.value.add(name=word, number=-number if negative else number)
            if self.take("["):
                while self.next() != "]":
                    pass
            self.expect(";")


def _set_type(one: FieldProto, word: str) -> None:
    """A scalar's type, or a name that the pool resolves in its scope."""
    if word in _SCALARS:
        one.type = _SCALARS[word]
    else:
        one.type_name = word


def words(text: str) -> list[str]:
    """The tokens of a .proto file: what it says without white space and comments."""
    return [m.group() for m in _TOKEN.finditer(text) if m.lastgroup]
