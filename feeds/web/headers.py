"""Headers that say what a browser may do with an answer."""

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
    ("Access-Control-Allow-Headers", "If-None-Match, If-Modified-Since"),
    ("Access-Control-Max-Age", "86400"),
)
