"""Headers that say what a browser may do with an answer."""

from collections.abc import Iterable

#: On every answer, errors too.
ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)

#: Nothing in a feed is for a browser to run or to load.
FEED_POLICY = (("Content-Security-Policy", "default-src 'none'; sandbox"),)

#: Scripts on other sites may read feeds and lists, and ask conditionally.
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Last-Modified, Link, Retry-After"),
)

#: In addition, on the answer to OPTIONS.
PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "A-IM, If-None-Match, If-Modified-Since"),
    ("Access-Control-Max-Age", "86400"),
)

#: A page loads pictures from allow_any, everything else from us, and sends its forms to us. Tools
#: that examine a page fetch /robots.txt and the like from inside it, which counts as its own doing.
PAGE_POLICY = (
    (
        "Content-Security-Policy",
        "default-src 'none'; img-src http: https:; style-src 'self'; script-src 'self'; "
        "frame-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
    ),
)

#: A box is made for other sites' pages and runs nothing (CONSUMERS 100).
BOX_POLICY = (
    (
        "Content-Security-Policy",
        "default-src 'none'; img-src http: https:; style-src 'self'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors *",
    ),
)


def completed(headers: Iterable[tuple[str, str]], is_shared: bool = False) -> list[tuple[str, str]]:
    """The headers, and after them those that every answer carries and these do not say yet.

    What scripts of other sites may read is ``is_shared``.
    """
    found = list(headers)
    said = {name.lower() for name, _ in found}
    more = (*ALWAYS, *(CORS if is_shared else ()), *FEED_POLICY)
    found += (each for each in more if each[0].lower() not in said)
    return found
