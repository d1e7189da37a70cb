"""Wires the rooms together; the only place that reads the environment.

``flask run``, ``flask serve`` and any WSGI server given ``app:app`` start here.
"""

import atexit
import os
import time
from collections.abc import Callable, Mapping
from functools import cache, partial

from click import ClickException
from flask import Flask, request

from feeds import cli, formats, logs
from feeds.cache import TRACES, Cache, open_cache, open_history_cache
from feeds.catalog import Catalog
from feeds.deltas import DocumentHistory
from feeds.errors import IndexUnavailable, SettingsError
from feeds.image_sizes import ANSWERS
from feeds.membership import memberships
from feeds.metrics import FILE, Counters, SharedCounters
from feeds.periodic_thread import PeriodicThread
from feeds.publisher import Publisher
from feeds.settings import Environment, SiteConfig, read_environment
from feeds.subscribers import SUBSCRIBERS, PollCounter, Subscribers
from feeds.sync import READING_VERSION, ContentSync, Ingester, read_site_config
from feeds.web import Web, add_routes, front, pages_version
from feeds.websub import WEBSUB, Announcer, Outbox


def create_app(
    environ: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.time
) -> Flask:
    """Make the app for an environment; raise SettingsError when it is not set up right."""
    return _assembled(*_read(environ), clock)


def _read(environ: Mapping[str, str]) -> tuple[Environment, SiteConfig]:
    environment = read_environment(environ)
    return environment, read_site_config(environment.content, environment.url, environment.own_url)


def _assembled(
    environment: Environment, files: SiteConfig, clock: Callable[[], float], owner: str = ""
) -> Flask:
    sync = _sync(environment, files, clock, owner)
    catalog = Catalog(sync, files, formats.MAX_BYTES - formats.FRAME)
    cache = open_cache(environment.cache_url)
    outbox = Outbox(environment.instance / WEBSUB)
    web = _web(environment, catalog, sync, outbox, cache)
    announcer = Announcer(catalog, sync, outbox, cache, str(formats.VERSION), clock)

    app = Flask(__name__, static_folder=None)
    # OPTIONS has an answer of its own, the same for every address.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    add_routes(app, web)
    load = partial(_worker, environment, files, sync.owner)
    quiet_app = partial(_assembled, environment, files, clock, sync.owner)
    tools = cli.Tools(environment, sync, catalog, web.subscribers, announcer, load, quiet_app)
    cli.add_commands(app, tools)
    fronted = front(app.wsgi_app, web.publisher, catalog.urls, clock)
    app.wsgi_app = fronted  # type: ignore[assignment,method-assign]
    return app


def _sync(
    environment: Environment, files: SiteConfig, clock: Callable[[], float], owner: str
) -> ContentSync:
    reader = Ingester(
        environment.content,
        files.site.url,
        memberships=partial(memberships, files=files),
        weigh=formats.weight,
        answers=environment.instance / ANSWERS,
    )
    # The code has a say: what was read by another version is read again, and when all documents
    # look different their Last-Modified must be later.
    fingerprint = files.fingerprint + f"{formats.VERSION} {READING_VERSION}".encode()
    return ContentSync(
        reader,
        environment.instance,
        fingerprint,
        environment.poll,
        clock,
        pages_version().encode(),
        owner,
    )


def _web(
    environment: Environment, catalog: Catalog, sync: ContentSync, outbox: Outbox, cache: Cache
) -> Web:
    counts = Counters()
    way = catalog.files.fingerprint + str(formats.VERSION).encode()
    for_traces = int(environment.memory * TRACES)
    memory = environment.memory - for_traces
    return Web(
        catalog=catalog,
        publisher=Publisher(sync.revision.get_cached, cache, memory, counts, sync.clock),
        history=DocumentHistory(
            way, open_history_cache(for_traces), cache if environment.cache_url else None
        ),
        sync=sync,
        outbox=outbox,
        counts=SharedCounters(counts, environment.instance / FILE),
        subscribers=Subscribers(environment.instance / SUBSCRIBERS),
        token=environment.operator_token,
    )


def served(environment: Environment, files: SiteConfig, owner: str = "") -> Flask:
    """The app as a server uses it: with its first request it begins to watch, to tell and to count.

    Not before: a server may fork after loading it, and threads do not survive that.
    """
    app = _assembled(environment, files, time.time, owner)
    logs.log_the_uncaught()
    web: Web = app.extensions["tributary"]
    tools: cli.Tools = app.extensions["tributary.tools"]
    polls = PollCounter(web.publisher.counts.seen, web.subscribers, web.sync.clock)
    beat = PeriodicThread(web.counts.tell, polls.count)

    def start() -> None:
        web.sync.start()
        # Nothing of the index, the hubs and the counts of a server with other settings is ours.
        if not web.sync.refusal:
            tools.announcer.start()
            beat.start()
        elif request.path != "/healthz":
            raise IndexUnavailable(web.sync.refusal)

    app.before_request(start)
    atexit.register(beat.stop)
    return app


def _worker(environment: Environment, files: SiteConfig, owner: str) -> Flask:
    """The app of a worker of ``flask serve``, which shares the claim of its first process.

    It claims when it is loaded, not with its first request: that process may die in between.
    """
    app = served(environment, files, owner)
    web: Web = app.extensions["tributary"]
    web.sync.ensure_sole_owner()
    return app


@cache
def _served() -> Flask:
    return served(*_read(os.environ))


def __getattr__(name: str) -> Flask:
    # ``app:app`` for servers, without an app at import time: importing must not touch a disk.
    if name == "app":
        try:
            return _served()
        except SettingsError as error:
            # The sentence is for whoever typed the command: a traceback would bury it.
            raise ClickException(str(error)) from error
    raise AttributeError(name)
