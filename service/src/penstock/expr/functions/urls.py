"""Parts of URLs, percent-decoded where java.net.URI decodes them."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

from penstock.expr.functions.registry import scalar

_ILLEGAL = re.compile(r"[\x00-\x20<>\"{}|\\^`]|%(?![0-9A-Fa-f]{2})")


def _parts(text: str) -> SplitResult:
    if _ILLEGAL.search(text):
        raise ValueError(f"{text!r} is not a URI")
    return urlsplit(text)


@scalar("URL_EXTRACT_PROTOCOL", "STRING -> STRING", text="The scheme of a URL, such as https.", arguments=("url",))
def url_protocol(text: str) -> str | None:
    scheme = _parts(text).scheme
    return text[:len(scheme)] if scheme else None


@scalar("URL_EXTRACT_HOST", "STRING -> STRING", text="The host of a URL.", arguments=("url",))
def url_host(text: str) -> str | None:
    host = _parts(text).netloc.rpartition("@")[2]
    return re.sub(r":\d*$", "", host) or None


@scalar("URL_EXTRACT_PORT", "STRING -> INT", text="The port of a URL; null when it names none.", arguments=("url",))
def url_port(text: str) -> int | None:
    return _parts(text).port


@scalar("URL_EXTRACT_PATH", "STRING -> STRING", text="The path of a URL, decoded.", arguments=("url",))
def url_path(text: str) -> str | None:
    return unquote(_parts(text).path)


@scalar("URL_EXTRACT_QUERY", "STRING -> STRING", text="The query of a URL, decoded; null when there is none.", arguments=("url",))
def url_query(text: str) -> str | None:
    parts = _parts(text)
    return unquote(parts.query) if parts.query or "?" in text.partition("#")[0] else None


@scalar("URL_EXTRACT_FRAGMENT", "STRING -> STRING", text="The fragment of a URL, decoded; null when there is none.", arguments=("url",))
def url_fragment(text: str) -> str | None:
    return unquote(_parts(text).fragment) if "#" in text else None


@scalar("URL_EXTRACT_PARAMETER", "STRING, STRING -> STRING", text="The first value of a parameter in a URL's query.", arguments=("url", "name"))
def url_parameter(text: str, name: str) -> str | None:
    for part in (url_query(text) or "").split("&"):
        key, _, value = part.partition("=")
        if key == name:
            return value
    return None
