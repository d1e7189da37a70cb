"""Reads heads of requests and answers polls from memory: the fast path without WSGI."""

from typing import NamedTuple

from feeds.server.request_parser import HEAD_END, Handling, read_head, split_user_agent
from feeds.web import Answer, DocumentRequest, FastPath

#: The most heads that a memo holds, and the bytes of the longest one: 8 MB at most.
MEMOIZED_HEADS, LONGEST_MEMOIZED = 4096, 1024


class PollRequest(NamedTuple):
    """A poll as a request on a connection."""

    document_request: DocumentRequest
    user_agent: str
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
        self._known: dict[bytes, PollRequest] = {}
        #: A poll for each head without its User-Agent: the heads of many clients differ in nothing
        #: else, and parsing one costs more than all the rest of its response.
        self._similar: dict[bytes, PollRequest] = {}

    def recall(self, data: bytes) -> PollRequest | None:
        """Return the meaning of bytes that are a whole head like one that was read before."""
        known = self._known.get(data)
        if known is not None or len(data) > LONGEST_MEMOIZED or not data.endswith(HEAD_END):
            return known
        rest, user_agent = split_user_agent(data)
        similar = self._similar.get(rest)
        if similar is None:
            return None
        request = PollRequest(
            similar.document_request, user_agent, similar.is_head, similar.is_kept_alive
        )
        _memoize(self._known, data, request)
        return request

    def read(self, head: bytes) -> PollRequest | Handling:
        """Return the meaning of a whole head, and memoize it if it is a short poll."""
        known = self.recall(head)
        if known is not None:
            return known
        plain = read_head(head)
        if isinstance(plain, Handling):
            return plain
        document_request = self._fast_path.document_request(plain.fields)
        if document_request is None:
            return Handling.GENERAL
        request = PollRequest(
            document_request, plain.user_agent, plain.is_head, plain.is_kept_alive
        )
        if len(head) <= LONGEST_MEMOIZED:
            _memoize(self._known, head, request)
            _memoize(self._similar, split_user_agent(head)[0], request)
        return request

    def respond(self, request: PollRequest, client: str) -> Answer | None:
        """Return and count the response; None if the document is not in memory or not current."""
        answer = self._fast_path.answer(request.document_request)
        if answer is not None:
            self._fast_path.count(request.document_request, answer, request.user_agent, client)
        return answer


def _memoize(memo: dict[bytes, PollRequest], head: bytes, request: PollRequest) -> None:
    if len(memo) >= MEMOIZED_HEADS:
        memo.clear()
    memo[head] = request
