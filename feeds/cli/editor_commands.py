"""Commands for editors: the outcome of each file, the feeds, the index.

``flask check | explain | feeds | refresh``
"""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from feeds.cli.command_setup import echo_held, given_tools, ready_tools, refresh_with_bar
from feeds.index import FileOutcome, printable
from feeds.link_check import check_links
from feeds.model import FeedId
from feeds.sync import FolderReport, as_on_disk, folder_reports


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, for programs.")
@click.option(
    "--links",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Also request the pages of N articles of each folder in site.yml; fail if one is missing.",
)
@with_appcontext
def check(as_json: bool, links: int | None) -> None:
    """Report whether each file is served, and if not, why, and what to correct.

    For each folder in site.yml, the report ends with its counts and newest links.
    """
    outcomes = list(given_tools().sync.inspect())
    tally = Counter(map(_outcome, outcomes))
    if as_json:
        click.echo(json.dumps([_entry(outcome) for outcome in outcomes], indent=1))
    else:
        click.echo("\n".join(line for outcome in outcomes for line in outcome.lines))
        totals = (f"{tally[name]} {name}" for name in ("served", "rejected", "ignored"))
        click.echo(", ".join(totals), err=True)
    for path, reason in given_tools().sync.public_faults():
        click.echo(f"{path}: not served: {reason}", err=True)
    reports = folder_reports(outcomes, given_tools().catalog.files.folders)
    for report in reports:
        click.echo("\n".join(report.lines), err=True)
    echo_held(given_tools().sync)
    are_there = _check_links(reports, links) if links else True
    if tally["rejected"] or not are_there:
        raise SystemExit(1)


def _check_links(reports: list[FolderReport], count: int) -> bool:
    """Request pages of each folder; print those that are not there, and return whether all are."""
    urls = [url for report in reports for url in report.sample(count)]
    missing = [each for each in check_links(urls, given_tools().is_allowed) if not each.is_there]
    for result in missing:
        click.echo(f"{result.url}: {result.answer}: correct the link in site.yml", err=True)
    click.echo(f"{len(urls) - len(missing)} of {len(urls)} pages are there", err=True)
    return not missing


@click.command("explain")
@click.argument("path")
@with_appcontext
def explain(path: str) -> None:
    """Show which feeds have the article of a file, or why none has it."""
    tools = ready_tools()
    below = _below(tools.environment.content, path)
    below = as_on_disk(tools.environment.content, below)
    found = tools.sync.explain(below)
    if found is None:
        near = tools.sync.nearest(below)
        meant = f": did you mean {printable(near)}?" if near else ""
        message = f"no file {printable(below)} in {tools.environment.content}{meant}"
        raise click.ClickException(message)
    click.echo("\n".join(found.lines))
    served = tools.sync.index.feeds_of(below)
    if served and found.reason:
        click.echo("its earlier version stays served until the file is corrected or removed, in:")
    for feed in served:
        click.echo(f"  {tools.catalog.urls.addresses(FeedId(feed)).rss}")
    if _outcome(found) == "rejected":
        raise SystemExit(1)


@click.command("feeds")
@with_appcontext
def feeds() -> None:
    """List every feed with its number of articles and its address."""
    catalog = ready_tools().catalog
    for feed_info in catalog.feed_infos():
        click.echo(f"{feed_info.count:6}  {catalog.urls.addresses(feed_info.id).rss}")


@click.command("refresh")
@click.option("--confirm", is_flag=True, help="Accept that most or all files are gone.")
@with_appcontext
def refresh(confirm: bool) -> None:
    """Update the index from the content folder."""
    refresh_with_bar(given_tools().sync, confirm)


def _below(content: Path, path: str) -> str:
    absolute = Path(path).absolute()
    return str(absolute.relative_to(content)) if absolute.is_relative_to(content) else path


def _outcome(outcome: FileOutcome) -> str:
    if outcome.reason is None:
        return "served"
    return "ignored" if outcome.reason.is_deliberate else "rejected"


def _entry(outcome: FileOutcome) -> dict[str, Any]:
    """Return the JSON object of a file; its reason is that of the first fault."""
    return {
        # Unchanged, unlike in text for people: a program finds the file by it.
        "file": outcome.path,
        "outcome": _outcome(outcome),
        "reason": outcome.reason,
        "line": outcome.line,
        "key": outcome.key,
        "message": outcome.message,
        "faults": [asdict(fault) for fault in outcome.faults],
    }
