"""The factory of the app: it wires the modules and alone reads the environment.

The entry point of ``flask run``, ``flask serve`` and any WSGI server that loads ``app:app``.
"""

import atexit
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

from click import ClickException
from flask import Flask, request
from flask.cli import FlaskGroup

from feeds import cli, formats, logs
from feeds.cache import HISTORY_SHARE, Cache, open_cache, open_history_cache
from feeds.catalog import Catalog
from feeds.deltas import DocumentHistory
from feeds.document_memory import CUSTOM_SHARE, DocumentMemory
from feeds.errors import IndexUnavailable, SettingsError
from feeds.image_sizes import IMAGE_SIZES
from feeds.membership import memberships
from feeds.metrics import FILE, Counters, SharedCounters
from feeds.periodic_thread import PeriodicThread
from feeds.publisher import Publisher
from feeds.server import WorkerApp
from feeds.settings import Environment, SiteConfig, read_environment
from feeds.subscribers import SUBSCRIBERS, PollCounter, Subscribers
from feeds.sync import READING_VERSION, ContentSync, Ingester, read_site_config
from feeds.web import FastPath, Web, add_routes, pages_version, with_fast_path
from feeds.websub import WEBSUB, Announcer, Outbox


def create_app(
    environ: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.time
) -> Flask:
    """Return the app for an environment; raise SettingsError if a setting is wrong."""
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
    # The routes answer OPTIONS themselves, equally for every address.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    add_routes(app, web)
    load = partial(_worker, environment, files, sync.ownership.name)
    quiet_app = partial(_assembled, environment, files, clock, sync.ownership.name)
    tools = cli.Tools(environment, sync, catalog, web.subscribers, announcer, load, quiet_app)
    cli.add_commands(app, tools)
    fronted = with_fast_path(app.wsgi_app, web.publisher, catalog.urls, clock)
    app.wsgi_app = fronted  # type: ignore[assignment,method-assign]
    return app


def _sync(
    environment: Environment, files: SiteConfig, clock: Callable[[], float], owner: str
) -> ContentSync:
    ingester = Ingester(
        environment.content,
        files.site.url,
        memberships=partial(memberships, files=files),
        weigh=formats.weigher(files.rights),
        public=files.public,
        answers=environment.instance / IMAGE_SIZES,
        folders=files.folders,
    )
    # The versions are included: files read by another version are read again, and if all documents
    # look different, their Last-Modified must be later.
    fingerprint = files.reading_fingerprint + f"{formats.VERSION} {READING_VERSION}".encode()
    return ContentSync(
        ingester,
        environment.instance,
        fingerprint,
        environment.poll,
        clock,
        pages_version(files.site.language).encode(),
        owner,
    )


def _web(
    environment: Environment, catalog: Catalog, sync: ContentSync, outbox: Outbox, cache: Cache
) -> Web:
    counts = Counters()
    version = catalog.files.fingerprint + str(formats.VERSION).encode()
    for_histories = int(environment.memory * HISTORY_SHARE)
    for_customs = int(environment.memory * CUSTOM_SHARE)
    memory = DocumentMemory(environment.memory - for_histories - for_customs, for_customs)
    return Web(
        catalog=catalog,
        publisher=Publisher(sync.shared.cached_revision, cache, memory, counts, sync.clock),
        history=DocumentHistory(
            version, open_history_cache(for_histories), cache if environment.cache_url else None
        ),
        custom_history=DocumentHistory(
            version, open_history_cache(int(for_customs * HISTORY_SHARE))
        ),
        sync=sync,
        outbox=outbox,
        counts=SharedCounters(counts, environment.instance / FILE),
        subscribers=Subscribers(environment.instance / SUBSCRIBERS),
        token=environment.operator_token,
    )


def served(environment: Environment, files: SiteConfig, owner: str = "") -> Flask:
    """Return the app for any WSGI server: its first request starts watcher, announcer and counters.

    They start no earlier because a server may fork after loading it: threads do not survive a fork.
    """
    app = _assembled(environment, files, time.time, owner)
    logs.log_the_uncaught()
    background = _background(app)
    web: Web = app.extensions["tributary"]

    def start() -> None:
        background.start()
        if web.sync.ownership.refusal and request.path != "/healthz":
            raise IndexUnavailable(web.sync.ownership.refusal)

    app.before_request(start)
    app.extensions["tributary.background"] = background
    atexit.register(background.stop)
    return app


@dataclass(frozen=True)
class _Background:
    """The background threads of a process."""

    start: Callable[[], None]
    stop: Callable[[], None]


def _background(app: Flask) -> _Background:
    web: Web = app.extensions["tributary"]
    tools: cli.Tools = app.extensions["tributary.tools"]
    polls = PollCounter(web.publisher.counts, web.subscribers, web.sync.clock)
    counting = PeriodicThread(web.counts.flush, polls.count)

    def start() -> None:
        web.sync.start()
        # The index, the hubs and the counts may belong to a server with other settings.
        if not web.sync.ownership.refusal:
            tools.announcer.start()
            counting.start()

    return _Background(start, counting.stop)


def _worker(environment: Environment, files: SiteConfig, owner: str) -> WorkerApp:
    """Return the app of a worker of ``flask serve``, which shares the ownership of its supervisor.

    Ownership is claimed on loading: the supervisor may die before the first request.
    """
    app = served(environment, files, owner)
    web: Web = app.extensions["tributary"]
    web.sync.ensure_sole_owner()
    background: _Background = app.extensions["tributary.background"]
    fast_path = FastPath(web.publisher)
    return WorkerApp(app, fast_path, background.start, background.stop)


@cache
def _served() -> Flask:
    return served(*_read(os.environ))


def _served_or_message() -> Flask:
    try:
        return _served()
    except SettingsError as error:
        # A traceback would bury the message for the person at the terminal.
        raise ClickException(str(error)) from error


def main() -> None:
    """Run a command: ``tributary serve`` of an installed package is ``flask --app app serve``."""
    FlaskGroup(
        add_default_commands=False,
        add_version_option=False,
        create_app=_served_or_message,
        help="RSS 2.0, Atom 1.0 and JSON Feed from a folder of articles.",
    ).main(prog_name="tributary")


def __getattr__(name: str) -> Flask:
    # Servers load ``app:app``; the app is made on access, because an import must not touch a disk.
    if name == "app":
        return _served_or_message()
    raise AttributeError(name)
