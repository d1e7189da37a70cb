"""A server in a thread of the process of the tests, with limits and an app that a test chooses."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from feeds.server.connection_limits import Limits
from feeds.server.listener import open_listener
from feeds.server.protocol import DEFAULT_HEADERS, FeedProtocol
from feeds.server.worker import Worker, WorkerApp
from feeds.web import FastPath
from tests.conftest import Site
from tests.programs import skip_if_quick
from tests.waiting import wait_for

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@contextmanager
def running(app: Any, **settings: Any) -> Iterator[int]:
    """Serve an ASGI app; yield the port."""
    skip_if_quick()
    listener = open_listener("127.0.0.1", 0)
    config = uvicorn.Config(
        app, interface="asgi3", ws="none", proxy_headers=False, server_header=False,
        log_config=None, headers=[*DEFAULT_HEADERS], timeout_keep_alive=75,
        timeout_graceful_shutdown=5, **settings,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert wait_for(lambda: server.started)
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def serving_here(
    site: Site, limits: Limits | None = None, wsgi: "WSGIApplication | None" = None
) -> Iterator[int]:
    """Serve a site by the server's own protocol, optionally with another app behind it."""
    fast_path = FastPath(site.web.publisher)
    app = WorkerApp(wsgi or site.app, fast_path, lambda: None, lambda: None)
    with running(Worker(app, limits), http=FeedProtocol, lifespan="on") as port:
        yield port
