"""Content negotiation: pure functions from the value of a request header to what it selects."""

from functools import lru_cache

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_date, parse_range_header

from feeds.encoded_bodies import CODINGS, IDENTITY

#: RFC 9110, 8.4.1.3: "A recipient SHOULD consider "x-gzip" to be equivalent to "gzip"."
_SYNONYMS = {"x-gzip": "gzip"}

#: Longest header that is read, in characters; browsers send thirty.
_MAX_LENGTH = 500


def coding(accept_encoding: str | None) -> str:
    """Return the best coding that an Accept-Encoding allows, else identity.

    A ``*`` selects identity: clients were seen that cannot decode a coding that they do not name.
    """
    # No real client sends a longer header; it would only fill the memoized answers.
    if not accept_encoding or len(accept_encoding) > _MAX_LENGTH:
        return IDENTITY
    return _coding(accept_encoding)


@lru_cache(maxsize=512)
def _coding(accept_encoding: str) -> str:
    offered: dict[str, float] = {}
    for name, quality in parse_accept_header(accept_encoding.lower(), Accept):
        offered.setdefault(_SYNONYMS.get(name, name), quality)
    best = max(CODINGS, key=lambda name: offered.get(name, 0))
    wanted = offered.get(best, 0)
    return best if wanted > 0 and wanted >= offered.get(IDENTITY, 0) else IDENTITY


def accepts_delta(a_im: str | None) -> bool:
    """Return True if an A-IM (RFC 3229, 10.5.3) accepts ``feed``, a feed of only the new items.

    The server chooses among the manipulations that a client lists, and this one knows no other.
    """
    if not a_im or len(a_im) > _MAX_LENGTH:
        return False
    return any(
        name == "feed" and quality > 0
        for name, quality in parse_accept_header(a_im.lower(), Accept)
    )


def has_single_range(ranges: str | None) -> bool:
    """Return True if a Range header selects one range of bytes.

    RFC 9110, 14.2: a server "MUST ignore" a unit that it does not understand and "MAY ignore" any
    Range. Werkzeug would answer everything but one range with 416.
    """
    found = parse_range_header(ranges)
    return found is not None and found.units == "bytes" and len(found.ranges) == 1


def is_parsable_date(date: str | None) -> bool:
    """Return False for a date that raises OverflowError, as one with a zone of twenty digits does.

    Werkzeug catches the other errors of the standard library only.
    """
    try:
        parse_date(date)
    except OverflowError:
        return False
    return True
