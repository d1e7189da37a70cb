"""Commands for editors and operators.

``flask announce | check | explain | export | feeds | images | refresh | serve | subscribers``
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast
from urllib.parse import quote, urlsplit

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from feeds.catalog import Catalog
from feeds.counting import Subscribers, latest, read_log
from feeds.errors import ExportError, QueueUnavailable
from feeds.exchange import IsAllowed
from feeds.export import Answer, pictures, put_document, put_maps, put_picture
from feeds.library import PICTURES, Library, Picture, Verdict
from feeds.model import FeedId
from feeds.remote import ask_all, is_public
from feeds.server import serve
from feeds.settings import Environment
from feeds.shelf import Shelf, opened
from feeds.web import ended, moved, paths
from feeds.websub import Announcer, described


@dataclass(frozen=True, slots=True)
class Tools:
    """What the commands work with."""

    environment: Environment
    library: Library
    catalog: Catalog
    subscribers: Subscribers
    announcer: Announcer
    #: Which addresses of other hosts may be asked for pictures.
    is_allowed: IsAllowed = is_public


def add_commands(app: Flask, tools: Tools) -> None:
    """Add the commands to the ``flask`` of an app."""
    app.extensions["tributary.tools"] = tools
    for command in (
        *(announce, check, explain, export, feeds),
        *(images, refresh, serve_command, subscribers),
    ):
        app.cli.add_command(command)


def _tools() -> Tools:
    return cast(Tools, current_app.extensions["tributary.tools"])


def _ready() -> Tools:
    """The tools with an index that is made: a fresh clone has none yet."""
    tools = _tools()
    if not tools.library.is_ready:
        _refresh_with_bar(tools.library, False)
    return tools


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print a list for programs.")
@with_appcontext
def check(as_json: bool) -> None:
    """Say of every file whether it is served, and if not, why and where to mend it."""
    verdicts = list(_tools().library.inspect())
    outcomes = Counter(map(_outcome, verdicts))
    if as_json:
        click.echo(json.dumps([_entry(verdict) for verdict in verdicts], indent=1))
    else:
        click.echo("\n".join(map(_line, verdicts)))
        said = (f"{outcomes[name]} {name}" for name in ("served", "rejected", "ignored"))
        click.echo(", ".join(said), err=True)
    if outcomes["rejected"]:
        raise SystemExit(1)


@click.command("refresh")
@click.option("--confirm", is_flag=True, help="Take down what is gone, however much it is.")
@with_appcontext
def refresh(confirm: bool) -> None:
    """Bring the index up to what the content folder holds."""
    _refresh_with_bar(_tools().library, confirm)


@click.command("feeds")
@with_appcontext
def feeds() -> None:
    """List every feed with its number of articles and its address."""
    catalog = _ready().catalog
    for listing in catalog.listings():
        click.echo(f"{listing.count:6}  {catalog.urls.addresses(listing.id).rss}")


@click.command("explain")
@click.argument("path")
@with_appcontext
def explain(path: str) -> None:
    """Say in which feeds the article of a file is, or why it is in none."""
    tools = _ready()
    below = _below(tools.environment.content, path)
    found = next((v for v in tools.library.inspect() if v.path == below), None)
    if found is None:
        raise click.ClickException(f"no file {below} in {tools.environment.content}")
    click.echo(_line(found))
    served = tools.library.index.feeds_of(below)
    if served and found.reason:
        click.echo("its earlier version stays served until the file is mended or removed, in:")
    for feed in served:
        click.echo(f"  {tools.catalog.urls.addresses(FeedId(feed)).rss}")


@click.command("serve")
@with_appcontext
def serve_command() -> None:
    """Serve until stopped; see README for HOST, PORT and FEEDS_WORKERS."""
    tools = _tools()
    serve(tools.environment, tools.library, tools.announcer, tools.catalog.files.site.url)


@click.command("images")
@click.option("--host", "hosts", multiple=True, help="Ask this host only; can be repeated.")
@with_appcontext
def images(hosts: tuple[str, ...]) -> None:
    """Ask the hosts of pictures how large they are, once, and tell it in the feeds."""
    tools = _tools()
    library, told, asked = tools.library, 0, 0
    _refresh_with_bar(library, False)
    now = int(library.clock())
    wanted = [
        u for u in library.pictures.unasked(now) if not hosts or urlsplit(u).hostname in hosts
    ]
    with click.progressbar(length=len(wanted), label="Asking for pictures", show_pos=True) as bar:
        for url, head in ask_all(wanted, tools.is_allowed):
            library.pictures.keep(url, Picture(head.length, head.media_type), now)
            told, asked = told + (head.length is not None), asked + 1
            bar.update(1)
    library.refresh(library.pictures.forget_outdated())
    click.echo(
        f"{told} of {asked} pictures told their length; {len(wanted) - asked} left for later"
    )


@click.command("subscribers")
@click.option("--read", "file", type=click.File(errors="replace"), help="Count by a proxy's log.")
@with_appcontext
def subscribers(file: TextIO | None) -> None:
    """Say how many subscribe to each feed: all, by services, on their own, on which day."""
    tools = _tools()
    if file:
        tools.subscribers.merge(read_log(file, tools.catalog.files.site.url))
    for count in latest(tools.subscribers.days()):
        day = datetime.fromtimestamp(count.day * 86_400, UTC).date()
        address = tools.catalog.urls.page(FeedId(count.feed))
        click.echo(f"{count.total:7} {count.by_services:7} {count.alone:7}  {day}  {address}")


@click.command("announce")
@click.option("--status", "only_status", is_flag=True, help="Tell nothing, show what waits.")
@with_appcontext
def announce(only_status: bool) -> None:
    """Tell hubs now what changed and what they missed, and show how each is doing."""
    tools = _tools()
    if not only_status:
        _refresh_with_bar(tools.library, False)
    try:
        states = tools.announcer.states() if only_status else tools.announcer.announce()
    except QueueUnavailable as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(map(described, states)) or "site.yml names no hubs")


@click.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def export(folder: Path) -> None:
    """Write the whole site into a folder, for any web server; only what changed is written."""
    tools = _tools()
    _refresh_with_bar(tools.library, False)
    try:
        with opened(folder) as shelf:
            left_out = _put_documents(shelf, tools.catalog)
            _put_pictures(shelf, tools.environment.content / PICTURES)
            site = tools.catalog.files.site.url
            put_maps(shelf, site, moved(tools.catalog), ended(tools.catalog))
            shelf.finish()
    except ExportError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{shelf.written} files written, {shelf.removed} removed")
    for path in left_out:
        click.echo(f"left out, no file can have its name: {path}", err=True)


def _put_documents(shelf: Shelf, catalog: Catalog) -> list[str]:
    """Put all documents; return the paths that no file can have."""
    with click.progressbar(list(paths(catalog)), label="Writing documents") as bar:
        return [path for path in bar if not put_document(shelf, path, _ask)]


def _put_pictures(shelf: Shelf, folder: Path) -> None:
    with click.progressbar(pictures(folder), label="Copying pictures") as bar:
        for name in bar:
            put_picture(shelf, name, folder)


def _ask(path: str, coding: str) -> Answer:
    """What the app itself answers."""
    client = current_app.test_client()
    response = client.get(quote(path), headers={"Accept-Encoding": coding} if coding else {})
    modified = response.last_modified
    return Answer(
        response.status_code,
        response.mimetype or "",
        response.headers.get("Content-Encoding", ""),
        int(modified.timestamp()) if modified else 0,
        response.data,
    )


def _refresh_with_bar(library: Library, is_confirmed: bool) -> None:
    """Refresh, with a progress bar on a terminal."""
    with click.progressbar(length=0, label="Reading articles", show_pos=True) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        report = library.refresh(progress=progress, is_confirmed=is_confirmed)
    tally = library.index.tally()
    click.echo(f"{report.read} files read, {tally['served']} articles served")


def _below(content: Path, path: str) -> str:
    absolute = Path(path).absolute()
    return str(absolute.relative_to(content)) if absolute.is_relative_to(content) else path


def _outcome(verdict: Verdict) -> str:
    if verdict.reason is None:
        return "served"
    return "ignored" if verdict.reason.is_deliberate else "rejected"


def _line(verdict: Verdict) -> str:
    """``path:line: key: reason: what to do``."""
    where = verdict.shown + (f":{verdict.line}" if verdict.line else "")
    parts = (where, verdict.key, verdict.reason or "served", verdict.message)
    return ": ".join(part for part in parts if part)


def _entry(verdict: Verdict) -> dict[str, Any]:
    return {
        "file": verdict.shown,
        "outcome": _outcome(verdict),
        "reason": verdict.reason,
        "line": verdict.line,
        "key": verdict.key,
        "message": verdict.message,
    }
