"""Reads heads of requests and answers polls from memory: the fast path without WSGI."""

from typing import NamedTuple

from feeds.server.request_head import Handling, read_head
from feeds.web import Answer, FastPath, Poll

#: The most heads that are memoized, and the bytes of the longest one: 8 MB at most.
MEMOIZED_HEADS, LONGEST_MEMOIZED = 4096, 1024


class PollRequest(NamedTuple):
    """A poll as a request on a connection."""

    poll: Poll
    is_head: bool
    is_kept_alive: bool


class PollResponder:
    """Reads heads of requests and responds to polls of documents in memory.

    It memoizes what bytes mean, never a response. The meaning depends on the bytes alone, so it
    is never stale; each response comes from the publisher, which knows what is current.
    """

    def __init__(self, fast_path: FastPath) -> None:
        """Take the fast path."""
        self._fast_path = fast_path
        #: The meanings of whole heads, by their bytes.
        self.known: dict[bytes, PollRequest] = {}

    def read(self, head: bytes) -> PollRequest | Handling:
        """Return the meaning of a whole head, and memoize it if it is a short poll."""
        known = self.known.get(head)
        if known is not None:
            return known
        plain = read_head(head)
        if isinstance(plain, Handling):
            return plain
        poll = self._fast_path.poll(plain.fields)
        if poll is None:
            return Handling.GENERAL
        request = PollRequest(poll, plain.is_head, plain.is_kept_alive)
        if len(head) <= LONGEST_MEMOIZED:
            if len(self.known) >= MEMOIZED_HEADS:
                self.known.clear()
            self.known[head] = request
        return request

    def respond(self, request: PollRequest, client: str) -> Answer | None:
        """Return and count the response; None if the document is not in memory or not current."""
        answer = self._fast_path.answer(request.poll)
        if answer is not None:
            self._fast_path.count(request.poll, answer, client)
        return answer
