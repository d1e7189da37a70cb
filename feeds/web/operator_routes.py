"""Routes for operators: health, readiness, metrics and subscribers."""

import hmac

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from feeds.errors import IndexUnavailable
from feeds.metrics import CONTENT_TYPE, exposition
from feeds.web.feed_routes import routes
from feeds.web.flask_response import text_response, web
from feeds.web.gauges import gauges
from feeds.web.headers import PAGE_POLICY
from feeds.web.pages import HTML
from feeds.web.subscribers_page import subscribers_page

#: Retry-After while the index is being built, in seconds.
RETRY = 5

#: The state of a node changes at any moment.
_NO_STORE = {"Cache-Control": "no-store"}


@routes.get("/healthz")
def health() -> ResponseReturnValue:
    """Report that this process is alive, what it serves, and the outcome of the files.

    Always 200: the process repairs an unreadable index itself and serves the documents in memory
    meanwhile. A supervisor that stopped such a process would do harm.
    """
    try:
        tally, held = web().sync.index.tally(), web().sync.held
    except IndexUnavailable:
        return {"status": "ok", "index": "unavailable"}, _NO_STORE
    served = tally.pop("served")
    index = "ready" if web().sync.state.is_ready else "starting"
    found = {"status": "ok", "index": index, "articles": served, "held": held}
    return {**found, "not served": tally}, _NO_STORE


@routes.get("/readyz")
def readiness() -> Response:
    """Report readiness: 200 once the index is complete for these settings, else 503."""
    if web().sync.state.is_ready:
        answer = text_response(200, "Ready.")
    else:
        done, total = web().sync.shared.progress
        answer = text_response(
            503, f"The index is being built: {done:,} of {total:,} files are read."
        )
        answer.headers["Retry-After"] = str(RETRY)
    answer.headers.extend(_NO_STORE)
    return answer


@routes.get("/metrics")
def metrics() -> Response:
    """Return the metrics of all workers of this node, for Prometheus."""
    web().counts.flush()
    text = exposition(
        web().counts.read(), gauges(web().sync, web().outbox, web().catalog.files.site.hubs)
    )
    return Response(text, content_type=CONTENT_TYPE, headers=_NO_STORE)


@routes.get("/operators/subscribers")
def subscribers() -> Response:
    """Return the page of subscribers; it requires the operator token, and is 404 without one."""
    token = web().token
    if not token:
        raise NotFound
    if not _has_token(token):
        answer = text_response(401, "This page is for operators: enter the token as the password.")
        answer.headers["WWW-Authenticate"] = 'Basic realm="operators", charset="UTF-8"'
    else:
        today = int(web().sync.clock()) // 86_400
        page = subscribers_page(web().catalog, web().subscribers.days(), today)
        answer = Response(page, content_type=HTML, headers=[*PAGE_POLICY])
    answer.headers.extend(_NO_STORE)
    return answer


def _has_token(token: str) -> bool:
    """Return True if the request has the token as Bearer token or as password of any user."""
    sent = request.authorization
    given = (sent.token if sent.type == "bearer" else sent.password) if sent else None
    return hmac.compare_digest((given or "").encode("utf-8", "replace"), token.encode())
