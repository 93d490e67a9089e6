"""Bytes and texts of bytes: hex, base64, digests, numbers in bytes, URL parameters."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import uuid
from collections.abc import Callable
from urllib.parse import quote_plus, unquote_plus

from penstock.expr.functions.registry import scalar
from penstock.types.cast import bytes_of_base64

_HALF_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _from_hex(text: str) -> bytes:
    """`616263`, `0x616263` (of an odd length too) or `X'616263'`."""
    if text[:2] == "0x":
        text = text[2:]
        text = "0" + text if len(text) % 2 else text
    elif text[:2] in ("X'", "x'") and text.endswith("'") and len(text) > 2:
        text = text[2:-1]
    if text and not text.isalnum():
        raise ValueError(f"{text!r} is not hex")
    return bytes.fromhex(text)


_DECODE: dict[str, Callable[[str], bytes]] = {
    "hex": _from_hex,
    "utf8": lambda text: text.encode(),
    "ascii": lambda text: text.encode("ascii", "replace"),
    "base64": bytes_of_base64,
}
_ENCODE: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "utf8": lambda value: value.decode("utf-8", "replace"),
    "ascii": lambda value: value.decode("ascii", "replace"),
    "base64": lambda value: base64.b64encode(value).decode(),
}


def _known(name: str) -> str:
    if name.lower() not in _DECODE:
        raise ValueError(f"unknown encoding {name!r}: hex, utf8, ascii or base64")
    return name.lower()


@scalar("ENCODE", "STRING, STRING, STRING -> STRING", text="Re-encodes a text, between hex, utf8, ascii and base64.",
        arguments=("text", "from", "to"))
def encode(text: str, source: str, target: str) -> str:
    if _known(source) == _known(target):
        raise ValueError(f"both encodings are {source!r}")
    return _ENCODE[_known(target)](_DECODE[_known(source)](text))


@scalar("TO_BYTES", "STRING, STRING -> BYTES", text="Bytes of a text in hex, utf8, ascii or base64.", arguments=("text", "encoding"))
def to_bytes(text: str, encoding: str) -> bytes:
    return _DECODE[_known(encoding)](text)


@scalar("FROM_BYTES", "BYTES, STRING -> STRING", text="Bytes as text in hex (upper case), utf8, ascii or base64.",
        arguments=("bytes", "encoding"))
def from_bytes(value: bytes, encoding: str) -> str:
    text = _ENCODE[_known(encoding)](value)
    return text.upper() if _known(encoding) == "hex" else text


_ORDERS = {"BIG_ENDIAN": ">", "LITTLE_ENDIAN": "<"}


def _number(code: str) -> Callable[..., object]:
    def read(value: bytes, order: str = "BIG_ENDIAN") -> object:
        if order.upper() not in _ORDERS:
            raise ValueError(f"unknown byte order {order!r}: BIG_ENDIAN or LITTLE_ENDIAN")
        if len(value) != struct.calcsize(">" + code):
            raise ValueError(f"{len(value)} bytes, {struct.calcsize('>' + code)} are needed")
        return struct.unpack(_ORDERS[order.upper()] + code, value)[0]

    return read


for _kind, _code in (("INT", "i"), ("BIGINT", "q"), ("DOUBLE", "d")):
    scalar(f"{_kind}_FROM_BYTES", f"BYTES -> {_kind}", f"BYTES, STRING -> {_kind}", text=f"The {_kind} that the bytes hold.",
           arguments=("bytes", "byte_order"))(_number(_code))


@scalar("MD5", "STRING -> STRING", text="MD5 digest of the text's UTF-8 bytes in hex.", arguments=("text",))
def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@scalar("UUID", "-> STRING", text="A random UUID, or 16 bytes written as one.", arguments=("bytes",), deterministic=False, safe=True)
def random_uuid() -> str:
    return str(uuid.uuid4())


@scalar("UUID", "BYTES -> STRING", safe=True)
def uuid_of(value: bytes) -> str | None:
    return str(uuid.UUID(bytes=value)) if len(value) == 16 else None


@scalar("URL_ENCODE_PARAM", "STRING -> STRING", text="The text for a URL's query (form encoding).", arguments=("text",))
def url_encode(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


@scalar("URL_DECODE_PARAM", "STRING -> STRING", text="Inverse of URL_ENCODE_PARAM.", arguments=("text",))
def url_decode(text: str) -> str:
    if _HALF_ESCAPE.search(text):
        raise ValueError(f"{text!r} has a % without two hex digits behind it")
    return unquote_plus(text)
