"""Random conversations with a server over a real socket, compared by bytes."""

import random
import re
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

#: Seconds without a byte after which a response counts as complete; the longer, if in doubt.
SILENCE, LONG_SILENCE = 0.4, 5.0

#: The head of a response: the server writes header fields in another order than uvicorn.
_HEAD = re.compile(rb"(HTTP/1\.1 \d{3} [^\r\n]*\r\n)((?:[a-z-]+: ?[^\r\n]*\r\n)+)\r\n")

_PATHS = [
    "/all.rss", "/all.atom", "/all.json", "/feed", "/topics/ai.rss", "/topics/ai", "/",
    "/topics/nope.rss", "/all.rss?cb=1", "/?q=a", "/%61ll.rss", "/all%2Erss", "//all.rss",
    "/topics/c-plus-plus.rss", "/topics/%E6%97%A5%E6%9C%AC.rss", "/topics/%FF.rss", "/robots.txt",
    "/embed/all", "/pictures/none.png", "/all.rss#x", "/a%00b", "/all.rss?%FF", "/healthz",
]  # fmt: skip
_METHODS = ["GET"] * 12 + ["HEAD"] * 3 + ["OPTIONS", "POST", "PUT", "get", "PATCH", "QUERY"]
_VERSIONS = ["HTTP/1.1"] * 12 + ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", ""]
_HEADERS = [
    "Accept-Encoding: gzip", "Accept-Encoding: br, gzip;q=0.5", "accept-encoding: zstd",
    "Accept-Encoding: identity", "Accept-Encoding:", "Accept_Encoding: gzip", "Accept: */*",
    "If-None-Match: *", 'If-None-Match: "x"', "If-None-Match: $TAG", "If-None-Match: W/$TAG",
    "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT", "If-Modified-Since: tomorrow",
    "If-Modified-Since: Fri, 31 Dec 2060 00:00:00 GMT", "User-Agent: reader/1; 5 subscribers",
    "User-Agent: a", "User-Agent: b (c; d)", "user-agent: e", "User-Agent:", "User-Agent: f\tg",
    "Connection: close", "Connection: keep-alive", "Connection: Keep-Alive, x",
    "Expect: 100-continue",
    "A-IM: feed", "Content-Length: 0", "Content-Length: 3", "Transfer-Encoding: chunked",
    "Upgrade: websocket", "Host: other", "X-Forwarded-Host: evil", "Range: bytes=0-10",
    "Cookie: a=b",
    "X-Long: " + "y" * 1500, "X-Tab:\tv", " folded: v", "Bad Header: x", "X-Latin: \xe9",
]  # fmt: skip


@dataclass(frozen=True)
class Conversation:
    """The bytes that a client sends, in pieces; the last request has `Connection: close`."""

    pieces: tuple[bytes, ...]

    @property
    def sent(self) -> bytes:
        return b"".join(self.pieces)


def made_up(seed: int, tag: str) -> Conversation:
    """Return one to four random requests, some of them damaged, in one to five pieces."""
    chance = random.Random(seed)
    requests = [_request(chance, tag) for _ in range(chance.choice((1, 1, 1, 2, 3, 4)))]
    sent = b"".join(requests)
    if chance.random() < 0.15:
        sent = _damaged(chance, sent)
    sent += b"GET /robots.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    cuts = sorted(chance.randrange(len(sent)) for _ in range(chance.choice((0, 0, 0, 1, 2, 4))))
    edges = [0, *cuts, len(sent)]
    pieces = (sent[a:b] for a, b in pairwise(edges))
    return Conversation(tuple(piece for piece in pieces if piece))


def _request(chance: random.Random, tag: str) -> bytes:
    first = f"{chance.choice(_METHODS)} {chance.choice(_PATHS)} {chance.choice(_VERSIONS)}"
    hosts = chance.choice([["Host: example.org"]] * 9 + [[], ["Host: a", "Host: b"]])
    headers = hosts + chance.sample(_HEADERS, chance.choice((0, 1, 1, 2, 2, 3, 5)))
    if chance.random() < 0.5:
        headers = [
            h for h in headers if h.split(":")[0] in ("Host", "Accept-Encoding", "User-Agent")
        ]
    text = "\r\n".join((first, *headers, "", "")).replace("$TAG", tag)
    body = "abc" if "Content-Length: 3" in headers else ""
    body = "3\r\nabc\r\n0\r\n\r\n" if "Transfer-Encoding: chunked" in headers else body
    return (text + body).encode("latin-1")


def _damaged(chance: random.Random, sent: bytes) -> bytes:
    at = chance.randrange(len(sent))
    kind = chance.randrange(4)
    if kind == 0:
        return sent[:at] + bytes([chance.randrange(256)]) + sent[at + 1 :]
    if kind == 1:
        return sent[:at] + sent[at + 1 :]
    if kind == 2:
        return sent.replace(b"\r\n", b"\n", chance.choice((1, 2, -1)))
    return b"\r\n" * chance.randrange(1, 4) + sent


@dataclass(frozen=True)
class Received:
    """The responses, without dates, and with the header fields of each in one order."""

    answers: bytes
    #: True if the kernel reset the connection: the server closed it before it read all bytes that
    #: the client sent. The client then loses some of the bytes that were in transit.
    is_reset: bool = False


def hold(port: int, conversation: Conversation, silence: float = SILENCE) -> Received:
    """Send a conversation and return the responses, until the server is silent for some seconds."""
    received: list[bytes] = []
    is_reset = False
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for number, piece in enumerate(conversation.pieces):
                if number:
                    time.sleep(0.002)
                connection.sendall(piece)
            for piece in _all_that_comes(connection, silence):
                received.append(piece)
        except (ConnectionResetError, BrokenPipeError):
            is_reset = True
    return Received(_HEAD.sub(_ordered, b"".join(received)), is_reset)


def _ordered(head: re.Match[bytes]) -> bytes:
    fields = sorted(head[2].splitlines(keepends=True))
    return head[1] + b"".join(f for f in fields if not f.startswith(b"date: ")) + b"\r\n"


def _all_that_comes(connection: socket.socket, silence: float) -> Iterator[bytes]:
    while select.select([connection], [], [], silence)[0]:
        piece = connection.recv(1 << 16)
        if not piece:
            return
        yield piece
