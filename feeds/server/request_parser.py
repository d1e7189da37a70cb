"""The meaning of the bytes of one request head: a pure function, with httptools as the parser.

httptools, which is llhttp, also parses for uvicorn's own protocol, so that both read alike.
"""

import re
from enum import Enum, auto
from typing import Any, NamedTuple
from urllib.parse import unquote

import httptools

from feeds.web import RequestFields

#: The end of a head.
HEAD_END = b"\r\n\r\n"

#: Header fields of which a plain request has at most one.
_SINGLE = {
    b"host", b"accept-encoding", b"if-none-match", b"if-modified-since", b"user-agent",
    b"connection",
}  # fmt: skip

#: Header fields with which the app selects or the protocol sends something else.
_SPECIAL = {b"expect", b"a-im", b"upgrade", b"http2-settings"}

#: A usual User-Agent: visible characters of ASCII, perhaps with spaces between them.
_USER_AGENT = re.compile(rb"\r\n[Uu]ser-[Aa]gent: ((?=[!-~])[ -~]*[!-~])(?=\r\n)")

#: Header fields that announce a body.
_BODY = {b"content-length", b"transfer-encoding"}


class Handling(Enum):
    """Where a request that is not plain goes."""

    #: uvicorn's protocol answers this request.
    GENERAL = auto()
    #: uvicorn's protocol keeps the connection: a body follows, or the bytes are not valid.
    HAND_OVER = auto()


class PlainRequest(NamedTuple):
    """A GET or HEAD of HTTP/1.1 without a body and without unusual header fields."""

    fields: RequestFields
    user_agent: str
    is_head: bool
    is_kept_alive: bool


class _Message:
    """A collector of what the parser reports."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.completed = 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_message_complete(self) -> None:
        self.completed += 1


def read_head(head: bytes) -> PlainRequest | Handling:
    """Return the meaning of a whole head, which ends with its empty line."""
    message = _Message()
    parser = httptools.HttpRequestParser(message)
    try:
        parser.feed_data(head)
        url = httptools.parse_url(message.url)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return Handling.HAND_OVER
    names = [name for name, _ in message.headers]
    # Unless exactly one message ends with the head, uvicorn's protocol would wait for more bytes.
    # It rejects a URL that is not ASCII or has no path by itself, without calling the app.
    has_rest = message.completed != 1 or not _BODY.isdisjoint(names)
    if has_rest or url.path is None or not message.url.isascii():
        return Handling.HAND_OVER
    method = parser.get_method()
    is_origin_form = message.url.startswith(b"/") and b"#" not in message.url
    if method not in (b"GET", b"HEAD") or parser.get_http_version() != "1.1" or not is_origin_form:
        return Handling.GENERAL
    return _plain(message, names, url, method == b"HEAD")


def _plain(
    message: _Message, names: list[bytes], url: Any, is_head: bool
) -> PlainRequest | Handling:
    known = [each for each in message.headers if each[0] in _SINGLE]
    headers = {name: value.decode("latin-1") for name, value in known}
    # WSGI does not distinguish Accept_Encoding from Accept-Encoding.
    is_usual = _SPECIAL.isdisjoint(names) and b"_" not in b"".join(names)
    if not is_usual or len(known) != len(headers):
        return Handling.GENERAL
    connection = headers.get(b"connection", "keep-alive").lower()
    if connection not in ("keep-alive", "close"):
        return Handling.GENERAL
    path = url.path.decode("ascii")
    fields = RequestFields(
        # WSGI decodes each byte of the path to one character.
        path=unquote(path).encode().decode("latin-1") if "%" in path else path,
        query=(url.query or b"").decode("ascii"),
        host=headers.get(b"host"),
        accept_encoding=headers.get(b"accept-encoding"),
        if_none_match=headers.get(b"if-none-match"),
        if_modified_since=headers.get(b"if-modified-since"),
    )
    user_agent = headers.get(b"user-agent", "")
    return PlainRequest(fields, user_agent, is_head, is_kept_alive=connection == "keep-alive")


def split_user_agent(head: bytes) -> tuple[bytes, str]:
    """Return a head without its first usual User-Agent, and that; the head and "" without one.

    If a head is plain, so is every head that differs in that line alone; it counts as another
    client's.
    """
    found = _USER_AGENT.search(head)
    if found is None:
        return head, ""
    return head[: found.start()] + head[found.end() :], found[1].decode("ascii")


class PartialHead:
    """A parser of a head that arrives in pieces, for an early rejection."""

    def __init__(self) -> None:
        """Start a new head."""
        self._message = _Message()
        self._parser = httptools.HttpRequestParser(self._message)

    def is_rejected(self, piece: bytes) -> bool:
        """Return True if the head cannot become valid after this piece."""
        try:
            self._parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return True
        return self._message.completed > 0
