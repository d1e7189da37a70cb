"""Response headers that restrict what a browser may do: CSP, CORS and their like."""

from collections.abc import Iterable

#: On every response, errors included.
ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)

#: A browser must neither run nor load anything in a feed.
FEED_POLICY = (("Content-Security-Policy", "default-src 'none'; sandbox"),)

#: Search engines index neither searches nor boxes nor mixes.
NOINDEX = (("X-Robots-Tag", "noindex"),)

#: Scripts of other sites may read feeds and lists, with conditional requests.
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Last-Modified, Link, Retry-After"),
)

#: Additionally on the response to OPTIONS.
PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "A-IM, If-None-Match, If-Modified-Since"),
    ("Access-Control-Max-Age", "86400"),
)

#: A page loads images from any host and everything else from this site, where its forms go too.
#: connect-src: tools that examine a page fetch /robots.txt from inside it, as if by its own script.
PAGE_POLICY = (
    (
        "Content-Security-Policy",
        "default-src 'none'; img-src http: https:; style-src 'self'; script-src 'self'; "
        "frame-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
    ),
)

#: A file that is served as it is has the headers of a page, but no script of it runs and no form of
#: it is sent: its origin is that of the site.
PUBLIC_POLICY = tuple((name, f"{value}; sandbox") for name, value in PAGE_POLICY)

#: Other sites frame a box, and it runs no script (docs/requirements.md 100).
BOX_POLICY = (
    (
        "Content-Security-Policy",
        "default-src 'none'; img-src http: https:; style-src 'self'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors *",
    ),
)


def with_default_headers(
    headers: Iterable[tuple[str, str]], is_shared: bool = False
) -> list[tuple[str, str]]:
    """Return the headers, completed by those that every response carries.

    ``is_shared`` adds CORS, for responses that scripts of other sites may read.
    """
    found = list(headers)
    present = {name.lower() for name, _ in found}
    defaults = (*ALWAYS, *(CORS if is_shared else ()), *FEED_POLICY)
    found += (each for each in defaults if each[0].lower() not in present)
    return found
