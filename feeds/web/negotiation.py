"""What form of a document a client gets. Pure: the value of a header in, what it asks for out."""

from functools import lru_cache

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_date, parse_range_header

from feeds.encodings import CODINGS, IDENTITY

#: RFC 9110, 8.4.1.3: "A recipient SHOULD consider "x-gzip" to be equivalent to "gzip"."
_SYNONYMS = {"x-gzip": "gzip"}


#: Characters of a header that is read; browsers send thirty.
_LONGEST = 500


def coding(accept_encoding: str | None) -> str:
    """The coding that an Accept-Encoding asks for; identity when it asks for none of ours.

    A ``*`` brings none: what a client does not name, it was seen not to read.
    """
    # A longer one is no client's: it would only fill the memory of answers.
    if not accept_encoding or len(accept_encoding) > _LONGEST:
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


def wants_news(a_im: str | None) -> bool:
    """Whether an A-IM (RFC 3229, 10.5.3) takes a feed of only what is new: ``feed``, by any name.

    Other manipulations are not ours; of those it names, a server chooses.
    """
    if not a_im or len(a_im) > _LONGEST:
        return False
    return any(
        name == "feed" and quality > 0
        for name, quality in parse_accept_header(a_im.lower(), Accept)
    )


def wants_part(ranges: str | None) -> bool:
    """Return True if a Range asks for one range of bytes.

    RFC 9110, 14.2: a server "MUST ignore" a unit that it does not understand and "MAY ignore" any
    Range. Werkzeug would answer everything but one range with 416.
    """
    found = parse_range_header(ranges)
    return found is not None and found.units == "bytes" and len(found.ranges) == 1


def is_readable(date: str | None) -> bool:
    """Return False for a date that raises OverflowError, as one with a zone of twenty digits does.

    Werkzeug catches the other errors of the standard library only.
    """
    try:
        parse_date(date)
    except OverflowError:
        return False
    return True
