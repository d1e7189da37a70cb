"""Commands for operators: hubs, exports, images, the server, subscribers.

``flask announce | export | images | serve | subscribers``
"""

from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TextIO
from urllib.parse import quote, urlsplit

import click
from flask.cli import with_appcontext
from flask.testing import FlaskClient

from feeds.catalog import Catalog
from feeds.cli.command_setup import errors_in_a_line, given_tools, refresh_with_bar
from feeds.errors import ExportError, SettingsError, StoreUnavailable
from feeds.export import (
    ExportedResponse,
    Fetch,
    names,
    put_document,
    put_image,
    put_maps,
    put_public,
    put_public_map,
)
from feeds.image_probe import probe_all
from feeds.image_sizes import ImageFacts
from feeds.managed_directory import ManagedDirectory, opened
from feeds.model import FeedId
from feeds.server import serve
from feeds.subscribers import latest, log_lines, read_log
from feeds.sync import ContentSync
from feeds.web import ended, moved, moved_patterns, paths


@click.command("announce")
@click.option("--status", "only_status", is_flag=True, help="Send nothing; show the state alone.")
@with_appcontext
def announce(only_status: bool) -> None:
    """Send hubs all changes that wait, and show the state of each hub."""
    tools = given_tools()
    if not only_status:
        refresh_with_bar(tools.sync, False)
    try:
        states = tools.announcer.states() if only_status else tools.announcer.announce()
    except StoreUnavailable as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(state.line for state in states) or "site.yml names no hubs")


@click.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def export(folder: Path) -> None:
    """Write the whole site into a folder as files, for any web server.

    An export writes only what changed, and removes only what an earlier export wrote.
    """
    tools = given_tools()
    site, content = tools.catalog.files.site.url, tools.environment.content
    if folder.resolve().is_relative_to(content.resolve()):
        raise click.ClickException(f"{folder} is for articles: name a folder outside {content}")
    refresh_with_bar(tools.sync, False)
    try:
        with opened(folder) as directory:
            fetch = partial(_fetch, tools.quiet_app().test_client())
            public = tools.sync.public_names()
            every_name = names(paths(tools.catalog), tools.sync.image_names(), fetch)
            directory.refuse_obstacles(chain(public, every_name))
            left_out = _put_documents(directory, tools.catalog, fetch)
            left_out += _put_images(directory, tools.sync)
            put = partial(put_public, directory, open_public=tools.sync.open_public)
            left_out += [f"/{name}" for name in public if not put(name)]
            put_public_map(directory, public)
            catalog = tools.catalog
            put_maps(directory, site, moved(catalog), moved_patterns(catalog), ended(catalog))
            directory.finish()
    except (ExportError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{directory.written} files written, {directory.removed} removed")
    if site == tools.environment.own_url:
        # A server logs this at its start, too; an export has the address in every file.
        message = f"all addresses begin with {site}: set FEEDS_URL to the one that readers use"
        click.echo(message, err=True)
    for path in left_out:
        click.echo(f"left out, no file can have its name: {path}", err=True)


def _put_documents(directory: ManagedDirectory, catalog: Catalog, fetch: Fetch) -> list[str]:
    """Put all documents; return the paths that no file can have."""
    with click.progressbar(list(paths(catalog)), label="Writing documents") as bar:
        return [path for path in bar if not put_document(directory, path, fetch)]


def _put_images(directory: ManagedDirectory, sync: ContentSync) -> list[str]:
    """Put all images; return the paths that no file can have."""
    with click.progressbar(sync.image_names(), label="Copying images") as bar:
        put = partial(put_image, directory, open_image=sync.open_image)
        return [f"/pictures/{name}" for name in bar if not put(name)]


def _fetch(client: FlaskClient, path: str, coding: str) -> ExportedResponse:
    """Return the response of the app to a GET request."""
    response = client.get(quote(path), headers={"Accept-Encoding": coding} if coding else {})
    modified = response.last_modified
    return ExportedResponse(
        response.status_code,
        response.mimetype or "",
        response.headers.get("Content-Encoding", ""),
        # After a burst of changes a document has no date, and its file needs a new one.
        int(modified.timestamp() if modified else given_tools().sync.clock()),
        response.data,
    )


@click.command("images")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="Request from this host only; can be given several times.",
)
@with_appcontext
def images(hosts: tuple[str, ...]) -> None:
    """Request the lengths of images from their hosts, each once, for the feeds."""
    tools = given_tools()
    sync, answered, probed = tools.sync, 0, 0
    refresh_with_bar(sync, False)
    now = int(sync.clock())
    try:
        wanted = [
            u for u in sync.pictures.to_probe(now) if not hosts or urlsplit(u).hostname in hosts
        ]
        with click.progressbar(
            length=len(wanted), label="Requesting lengths of images", show_pos=True
        ) as bar:
            for url, head in probe_all(wanted, tools.is_allowed):
                sync.pictures.store(url, ImageFacts(head.length, head.media_type), now)
                answered, probed = answered + (head.length is not None), probed + 1
                bar.update(1)
    except StoreUnavailable as error:
        raise click.ClickException(str(error)) from None
    with errors_in_a_line():
        sync.ownership.ensure_no_other()
        sync.refresh(sync.pictures.forget_outdated())
    click.echo(
        f"{probed} requested, {answered} with a size in bytes, {probed - answered} failed;"
        f" {len(wanted) - probed} left for later"
    )


@click.command("serve")
@with_appcontext
def serve_command() -> None:
    """Serve the feeds until stopped; the README has the settings, such as PORT."""
    tools = given_tools()
    try:
        site_url = tools.catalog.files.site.url
        serve(tools.environment, tools.sync, tools.announcer, site_url, tools.load)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


_HEADING = "    all services  alone  day         page"


@click.command("subscribers")
@click.option(
    "--read",
    "file",
    type=click.File(errors="replace"),
    help="First count the access log of a proxy; - is standard input.",
)
@with_appcontext
def subscribers(file: TextIO | None) -> None:
    """Show how many subscribe to each feed: all, through services, on their own."""
    tools = given_tools()
    today = int(tools.sync.clock()) // 86_400
    if file:
        try:
            counts = read_log(log_lines(file), tools.catalog.files.site.url, today)
            tools.subscribers.merge(counts)
        except StoreUnavailable as error:
            raise click.ClickException(str(error)) from None
        if not counts:
            click.echo("this log has no poll of a feed: is it in the combined format?", err=True)
    found = latest(tools.subscribers.days(), today)
    # On stderr, since a program may read stdout.
    click.echo(_HEADING if found else "no polls yet", err=True)
    for count in found:
        day = datetime.fromtimestamp(count.day * 86_400, UTC).date()
        address = tools.catalog.urls.page(FeedId(count.feed))
        click.echo(f"{count.total:7} {count.by_services:7} {count.alone:7}  {day}  {address}")
