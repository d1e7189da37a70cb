"""Addresses for operators: whether this node lives, and what it counted. No secret is in any."""

import hmac

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from feeds.errors import IndexUnavailable
from feeds.metrics import CONTENT_TYPE, exposition
from feeds.web.gauges import gauges
from feeds.web.headers import PAGE_POLICY
from feeds.web.pages import HTML
from feeds.web.response import say, web
from feeds.web.routes import routes
from feeds.web.subscribers_page import subscribers_page

#: Seconds until an index that is being made is worth another look.
RETRY = 5

#: What is true now is not true later.
_NOT_KEPT = {"Cache-Control": "no-store"}


@routes.get("/healthz")
def health() -> ResponseReturnValue:
    """That this process answers, what it serves, and what became of the files.

    Always 200: an index that cannot be read is mended by the process itself, and what is in memory
    stays served meanwhile. A supervisor that stops such a process does harm.
    """
    try:
        tally, held = web().sync.index.tally(), web().sync.held
    except IndexUnavailable:
        return {"status": "ok", "index": "unavailable"}, _NOT_KEPT
    served = tally.pop("served")
    index = "ready" if web().sync.is_ready else "starting"
    found = {"status": "ok", "index": index, "articles": served, "held": held}
    return {**found, "not served": tally}, _NOT_KEPT


@routes.get("/readyz")
def readiness() -> Response:
    """Whether to send readers here: 200 when the index is made for these settings, else 503."""
    if web().sync.is_ready:
        answer = say(200, "Ready.")
    else:
        done, total = web().sync.revision.progress
        answer = say(503, f"The index is being made: {done:,} of {total:,} files are read.")
        answer.headers["Retry-After"] = str(RETRY)
    answer.headers.extend(_NOT_KEPT)
    return answer


@routes.get("/metrics")
def metrics() -> Response:
    """All that is counted, for Prometheus: of all workers of this node."""
    web().counts.flush()
    text = exposition(
        web().counts.read(), gauges(web().sync, web().outbox, web().catalog.files.site.hubs)
    )
    return Response(text, content_type=CONTENT_TYPE, headers=_NOT_KEPT)


@routes.get("/operators/subscribers")
def subscribers() -> Response:
    """How many subscribe to each feed: for who knows the token; without one it does not exist."""
    token = web().token
    if not token:
        raise NotFound
    if not _knows(token):
        answer = say(401, "This page is for operators: give the token as the password.")
        answer.headers["WWW-Authenticate"] = 'Basic realm="operators", charset="UTF-8"'
    else:
        today = int(web().sync.clock()) // 86_400
        page = subscribers_page(web().catalog, web().subscribers.days(), today)
        answer = Response(page, content_type=HTML, headers=[*PAGE_POLICY])
    answer.headers.extend(_NOT_KEPT)
    return answer


def _knows(token: str) -> bool:
    """Whether a request has the token, as a Bearer's or as anybody's password."""
    said = request.authorization
    given = (said.token if said.type == "bearer" else said.password) if said else None
    return hmac.compare_digest((given or "").encode("utf-8", "replace"), token.encode())
