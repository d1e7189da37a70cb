"""The outcomes of the files in the folder now, for ``flask check`` and ``flask explain``.

The index only decides which of several files with one id is served.
"""

import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import get_close_matches

from feeds.articles import PICTURES, is_hidden, split, without_ending
from feeds.errors import Reason
from feeds.index import FileOutcome, IdClaims, decode_verified, printable
from feeds.sync import containment, scan
from feeds.sync.containment import LinkedFolder
from feeds.sync.ingest import NOT_AN_ARTICLE, Ingester
from feeds.sync.public_files import PUBLIC, public_fault
from feeds.sync.site_file_changes import SITE_FILES


def inspect(reader: Ingester, now: int, claims: IdClaims) -> Iterator[FileOutcome]:
    """Yield the outcome on every file found, in the order of their paths, without its article."""
    found = [
        _without_entry(_with_hints(outcome, reader, now)) for outcome in _outcomes(reader, now)
    ]
    owners = _owners(found, claims)
    for outcome in found:
        owner = owners.get(outcome.id or "", outcome.path)
        was_served = claims.served.get(outcome.id or "") == owner
        yield _with_further(_owned(outcome, owner, was_served), reader, now)


def _outcomes(reader: Ingester, now: int) -> Iterator[FileOutcome]:
    for path, has_outcome in sorted(_paths(reader)):
        if not has_outcome:
            yield _no_article(path)
        elif outcome := reader.ingest(path, now):
            yield outcome


def _without_entry(outcome: FileOutcome) -> FileOutcome:
    """Return an outcome with the link and the date of its article in place of the article."""
    entry = outcome.entry
    if entry is None:
        return outcome
    link = decode_verified(entry.body, entry.hash).url
    return replace(outcome, entry=None, link=link, published=entry.published)


def inspect_one(
    reader: Ingester, path: str, now: int, owner_of: Callable[[str], str | None]
) -> FileOutcome | None:
    """Return the outcome on one file, reading no other; None when there is no such file.

    ``owner_of`` returns the path of the file whose article has an id in the index.
    """
    try:
        status = containment.status(reader.content, path)
    except LinkedFolder as error:
        message = f"behind {printable(error.filename)}, a symbolic link, which is not followed"
        return FileOutcome(*split(path), "", Reason.OUTSIDE, message)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return reader.ingest(path, now)
    if stat.S_ISDIR(status.st_mode):
        return None
    if (
        path in SITE_FILES
        or is_hidden(path)
        or not scan.has_outcome(path, stat.S_ISLNK(status.st_mode))
    ):
        return _no_article(path)
    outcome = reader.ingest(path, now)
    if outcome is None:
        return None
    outcome = _with_hints(outcome, reader, now)
    owner = owner_of(outcome.id) if outcome.id is not None else None
    return _with_further(_owned(outcome, owner or path, was_served=True), reader, now)


def nearest(reader: Ingester, path: str) -> str | None:
    """Return the path of the article's file that a path without a file probably means."""
    found = [path for path, has_outcome in _paths(reader) if has_outcome]
    name = split(without_ending(path))[1]
    named = [each for each in found if name and split(without_ending(each))[1] == name]
    return next(iter(get_close_matches(path, named or found, 1, 0 if named else 0.7)), None)


def _paths(reader: Ingester) -> Iterator[tuple[str, bool]]:
    """Yield the path of each file, and whether it is read for its outcome."""
    for folder in scan.walk(reader.content):
        # By the name on the disk, by which a person finds the file.
        names = (name for name, stamp in folder.stamps.items() if stamp)
        yield from ((folder.prefix + name, True) for name in (*names, *folder.misnamed))
        if folder.path.split("/")[0] not in (PICTURES, PUBLIC):
            known = SITE_FILES if folder.path == "" else ()
            others = (name for name in folder.others if name not in known)
            yield from ((folder.prefix + name, False) for name in others)


def _owned(outcome: FileOutcome, owner: str, was_served: bool) -> FileOutcome:
    """Return the outcome, or a collision when the file at another path has its id."""
    return outcome if owner == outcome.path else outcome.refused_for(owner, was_served)


def _with_hints(outcome: FileOutcome, reader: Ingester, now: int) -> FileOutcome:
    """Return the outcome on a served file with what its editor probably overlooked."""
    hints = reader.hints(outcome, now)
    return replace(outcome, message="; ".join(filter(None, (outcome.message, *hints))))


def _with_further(outcome: FileOutcome, reader: Ingester, now: int) -> FileOutcome:
    """Return the outcome with all faults of the file; reading stops at the first."""
    if not outcome.faults:
        return outcome
    further = (each for each in reader.faults(outcome.path, now) if each not in outcome.faults)
    return replace(outcome, further=tuple(further))


def _owners(found: list[FileOutcome], claims: IdClaims) -> dict[str, str]:
    """Return the path that has each id, as a refresh would decide it; see ``precedence``."""
    ids = {outcome.path: outcome.id for outcome in found if outcome.id is not None}
    # The version of a rejected file that was served before keeps its id.
    rejected = {v.path for v in found if v.reason is not None and not v.withdraws}
    owners = {
        id: path for id, path in claims.served.items() if path in rejected or ids.get(path) == id
    }
    for path in sorted(ids, key=lambda path: (path in claims.refused, path)):
        owners.setdefault(ids[path], path)
    return owners


def _no_article(path: str) -> FileOutcome:
    return FileOutcome(*split(path), "", Reason.NOT_AN_ARTICLE, _meant(path))


def _meant(path: str) -> str:
    """Return what a file is that is no article, or how its name is probably meant."""
    if path in SITE_FILES:
        return "it describes the site; a fault in it stops every command, with a message"
    if path.startswith(f"{PUBLIC}/"):
        name = path.removeprefix(f"{PUBLIC}/")
        return public_fault(name) or f"it is served as it is, at /{name}"
    name = path.casefold().replace(".yaml", ".yml")
    return f"not read: call it {name}" if name in SITE_FILES else NOT_AN_ARTICLE
