"""What becomes of files of the folder now, for ``flask check`` and ``flask explain``.

The index is asked only which of several files with one id is served.
"""

import stat
from collections.abc import Callable, Iterator
from dataclasses import replace

from feeds.errors import Reason
from feeds.library import beneath, disk
from feeds.library.beneath import LinkedFolder
from feeds.library.own_images import PICTURES
from feeds.library.reading import Reader
from feeds.library.verdict import Claims, Verdict

#: Files beside the articles that have a meaning of their own.
SITE_FILES = {"site.yml", "topics.yml", "providers.yml"}


def inspect(reader: Reader, now: int, claims: Claims) -> Iterator[Verdict]:
    """Yield the verdict on every file found, in the order of their paths, without its article."""
    found = [replace(verdict, entry=None) for verdict in _judged(reader, now)]
    owners = _owners(found, claims)
    for verdict in found:
        owner = owners.get(verdict.id or "", verdict.path)
        yield _with_further(_owned(verdict, owner), reader, now)


def _judged(reader: Reader, now: int) -> Iterator[Verdict]:
    for path, is_judged in sorted(_paths(reader)):
        if not is_judged:
            yield _no_article(path)
        elif verdict := reader.judge(path, now):
            yield verdict


def inspect_one(
    reader: Reader, path: str, now: int, owner_of: Callable[[str], str | None]
) -> Verdict | None:
    """Return the verdict on one file, reading no other; None when there is no such file.

    ``owner_of`` returns the path of the file whose article has an id in the index.
    """
    try:
        status = beneath.status(reader.content, path)
    except LinkedFolder as error:
        message = f"behind {error.filename}, a symbolic link, which is not followed"
        return Verdict(*disk.split(path), "", Reason.OUTSIDE, message)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return reader.judge(path, now)
    if stat.S_ISDIR(status.st_mode) or path in SITE_FILES:
        return None
    if disk.is_hidden(path) or not disk.is_judged(path, stat.S_ISLNK(status.st_mode)):
        return _no_article(path)
    verdict = reader.judge(path, now)
    if verdict is None:
        return None
    owner = owner_of(verdict.id) if verdict.id is not None else None
    return _with_further(_owned(verdict, owner or path), reader, now)


def _paths(reader: Reader) -> Iterator[tuple[str, bool]]:
    """Yield the path of each file, and whether it is read for its verdict."""
    for folder in disk.walk(reader.content):
        # Each by the name that it has on the disk, by which it can be found and mended.
        names = (name for name, stamp in folder.stamps.items() if stamp)
        yield from ((folder.prefix + name, True) for name in (*names, *folder.misnamed))
        if folder.path.split("/")[0] != PICTURES:
            known = SITE_FILES if folder.path == "" else set()
            others = (name for name in folder.others if name not in known)
            yield from ((folder.prefix + name, False) for name in others)


def _owned(verdict: Verdict, owner: str) -> Verdict:
    """Return the verdict, or a collision when the file at another path has its id."""
    return verdict if owner == verdict.path else verdict.refused_for(owner)


def _with_further(verdict: Verdict, reader: Reader, now: int) -> Verdict:
    """The verdict with all faults of the file, where reading stopped at the first."""
    if not verdict.faults:
        return verdict
    further = (each for each in reader.faults(verdict.path, now) if each not in verdict.faults)
    return replace(verdict, further=tuple(further))


def _owners(found: list[Verdict], claims: Claims) -> dict[str, str]:
    """Return the path that has each id, as a refresh would decide it; see ``precedence``."""
    ids = {verdict.path: verdict.id for verdict in found if verdict.id is not None}
    # The version of a rejected file that was served before keeps its id.
    rejected = {v.path for v in found if v.reason is not None and not v.takes_down}
    owners = {
        id: path for id, path in claims.served.items() if path in rejected or ids.get(path) == id
    }
    for path in sorted(ids, key=lambda path: (path in claims.refused, path)):
        owners.setdefault(ids[path], path)
    return owners


def _no_article(path: str) -> Verdict:
    return Verdict(*disk.split(path), "", Reason.NOT_AN_ARTICLE, _meant(path))


def _meant(path: str) -> str:
    """What to say of a file that is no article: one of the site's may be called otherwise."""
    name = path.casefold().replace(".yaml", ".yml")
    return f"not read: call it {name}" if name in SITE_FILES else _NOT_AN_ARTICLE


_NOT_AN_ARTICLE = "only files whose names end in .md, and do not begin with a dot, are articles"
