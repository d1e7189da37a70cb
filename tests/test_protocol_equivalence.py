"""Tests that the server's own protocol responds as that of uvicorn, with the same app."""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from feeds.server.flask_adapter import FlaskAdapter
from tests.conftest import Content, Site
from tests.conversations import LONG_SILENCE, Received, hold, made_up
from tests.in_process import running, serving_here

#: The number of conversations of the short form.
COUNT = 300

#: The 400 of uvicorn's protocol, which the app does not write.
_INVALID = (
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 30\r\n"
    b"content-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n\r\n"
    b"Invalid HTTP request received."
)


@dataclass(frozen=True)
class Ports:
    """The ports of two servers of one site: with our protocol, and with uvicorn's alone."""

    ours: int
    plain: int
    #: A current ETag.
    tag: str

    @property
    def both(self) -> tuple[int, int]:
        return self.ours, self.plain


@contextmanager
def both_ways(open_site: Callable[..., Site], content: Content) -> Iterator[Ports]:
    """Serve a site by both protocols."""
    content.write("one.md", topics=["AI", "C++", "日本"])
    site = open_site()
    with (
        serving_here(site) as ours,
        running(FlaskAdapter(site.app), http="httptools", lifespan="off") as plain,
    ):
        yield Ports(ours, plain, site.get("/all.rss").headers["ETag"])


@pytest.fixture
def ports(open_site: Callable[..., Site], content: Content) -> Iterator[Ports]:
    with both_ways(open_site, content) as ports:
        yield ports


def test_any_conversation_gets_the_responses_of_uvicorns_protocol(ports: Ports) -> None:
    assert differences(ports, range(COUNT)) == []


def differences(ports: Ports, seeds: range) -> list[str]:
    """Hold each conversation with both servers, twice with ours; return the differences."""
    found: list[str] = []
    for seed in seeds:
        conversation = made_up(seed, ports.tag)
        expected = hold(ports.plain, conversation)
        for _ in range(2):
            if not _are_same(hold(ports.ours, conversation), expected):
                # On a busy machine the server may have been silent for too long.
                patient = [hold(port, conversation, LONG_SILENCE) for port in ports.both]
                if not _are_same(*patient):
                    found.append(f"{seed}: {conversation.pieces} {patient}")
    return found


def _are_same(ours: Received, plain: Received) -> bool:
    if ours == plain:
        return True
    # One piece has valid requests and, behind them, invalid bytes. Our protocol responds to the
    # requests before it rejects the rest or closes. Uvicorn's protocol sends its 400 and drops the
    # requests without a response.
    heard, expected = (each.answers.removesuffix(_INVALID) for each in (ours, plain))
    is_closed = _INVALID in plain.answers and b"connection: close" in ours.answers
    is_cut = ours.is_reset or plain.is_reset or is_closed
    return is_cut and (heard.startswith(expected) or expected.startswith(heard))


def test_the_constructors_of_uvicorn_that_this_server_calls_are_unchanged() -> None:
    """An update that changes these undocumented constructors must fail here, not in a worker."""
    assert list(inspect.signature(HttpToolsProtocol).parameters) == [
        "config", "server_state", "app_state", "_loop",
    ]  # fmt: skip
    assert list(inspect.signature(Multiprocess).parameters) == ["config", "sockets"]
    assert list(inspect.signature(Multiprocess.terminate_all).parameters) == ["self"]


def test_most_random_conversations_succeed(ports: Ports) -> None:
    """Otherwise the comparison above would compare only errors."""
    statuses = [
        status
        for seed in range(100)
        for status in re.findall(
            rb"HTTP/1\.1 (\d{3})", hold(ports.ours, made_up(seed, ports.tag)).answers
        )
    ]

    assert statuses.count(b"200") > len(statuses) / 3
    assert {b"200", b"304", b"400", b"404", b"405"} <= set(statuses)
