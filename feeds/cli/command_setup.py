"""The objects that the commands work with, and how a command gets them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import click
from flask import Flask, current_app

from feeds.catalog import Catalog
from feeds.errors import IndexUnavailable, SettingsError
from feeds.http_client import IsAllowed
from feeds.image_probe import is_public
from feeds.server import WorkerApp
from feeds.settings import Environment
from feeds.subscribers import Subscribers
from feeds.sync import ContentSync
from feeds.websub import Announcer


@dataclass(frozen=True, slots=True)
class Tools:
    """The objects that the commands work with."""

    environment: Environment
    sync: ContentSync
    catalog: Catalog
    subscribers: Subscribers
    announcer: Announcer
    #: Loads an app with the same settings in another process.
    load: Callable[[], WorkerApp]
    #: Loads an app with the same settings that starts no thread and owns no folder.
    quiet_app: Callable[[], Flask]
    #: Decides which addresses of other hosts may be requested.
    is_allowed: IsAllowed = is_public


def given_tools() -> Tools:
    """Return the tools of the app whose command runs."""
    return cast(Tools, current_app.extensions["tributary.tools"])


def ready_tools() -> Tools:
    """Return the tools; refresh first if the index is not built yet, as in a fresh clone."""
    tools = given_tools()
    with errors_in_a_line():
        tools.sync.ownership.ensure_no_other()
    tools.sync.lifecycle.examine_to_read()
    if not tools.sync.state.is_ready:
        refresh_with_bar(tools.sync, False)
    return tools


@contextmanager
def errors_in_a_line() -> Iterator[None]:
    """End the command with one line instead of a traceback if its folders are unusable."""
    try:
        yield
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        is_ours = Path(error.filename or "").parent == given_tools().environment.instance
        advice = ": let this user write it, or remove it" if is_ours else ""
        raise click.ClickException(f"{error.filename}: {error.strerror}{advice}") from None


def refresh_with_bar(sync: ContentSync, is_confirmed: bool) -> None:
    """Refresh, with a progress bar on a terminal."""
    with errors_in_a_line():
        # Also before the bar is shown.
        sync.ownership.ensure_no_other()
    # On stderr, since a program may read stdout.
    with click.progressbar(
        length=0, label="Reading articles", show_pos=True, file=sys.stderr
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        with errors_in_a_line():
            report = sync.refresh(progress=progress, is_confirmed=is_confirmed)
    tally = sync.index.tally()
    click.echo(f"{report.read} files read, {tally['served']} articles served", err=True)
    echo_held(sync)


def echo_held(sync: ContentSync) -> None:
    """Print the number of missing files whose articles stay served, if there are any."""
    with suppress(IndexUnavailable):
        if held := sync.held:
            click.echo(_HELD.format(held), err=True)


_HELD = (
    "{} files are gone, and their articles stay served for now: if you removed them,"
    " run `.venv/bin/flask --app app refresh --confirm`"
)
