"""What would become of every file of the folder now, for ``flask check``.

The index is asked only which of several files with one id is served.
"""

from collections.abc import Iterator
from dataclasses import replace

from feeds.errors import Reason
from feeds.library import disk
from feeds.library.reading import PICTURES, Reader
from feeds.library.verdict import Claims, Verdict

#: Files beside the articles that have a meaning of their own.
SITE_FILES = {"site.yml", "topics.yml", "providers.yml"}


def inspect(reader: Reader, now: int, claims: Claims) -> Iterator[Verdict]:
    """Yield the verdict on every file found, in the order of their paths, without its article."""
    found = [replace(verdict, entry=None) for verdict in _judged(reader, now)]
    owners = _owners(found, claims)
    for verdict in found:
        owner = owners.get(verdict.id or "", verdict.path)
        own = verdict if owner == verdict.path else verdict.refused_for(owner)
        yield _with_further(own, reader, now)


def _judged(reader: Reader, now: int) -> Iterator[Verdict]:
    for path in sorted(_paths(reader)):
        folder, name = disk.split(path)
        if name and not disk.is_article(name):
            yield Verdict(folder, name, "", Reason.NOT_AN_ARTICLE, _meant(path))
        elif verdict := reader.judge(path, now):
            yield verdict


def _paths(reader: Reader) -> Iterator[str]:
    for folder in disk.walk(reader.content):
        # Each by the name that it has on the disk, by which it can be found and mended.
        names = (name for name, stamp in folder.stamps.items() if stamp)
        yield from (folder.prefix + name for name in (*names, *folder.misnamed))
        if folder.path.split("/")[0] != PICTURES:
            known = SITE_FILES if folder.path == "" else set()
            yield from (folder.prefix + name for name in folder.others if name not in known)


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


def _meant(path: str) -> str:
    """What to say of a file that is no article: one of the site's may be called otherwise."""
    name = path.casefold().replace(".yaml", ".yml")
    return f"not read: call it {name}" if name in SITE_FILES else _NOT_AN_ARTICLE


_NOT_AN_ARTICLE = "only files whose names end in .md, and do not begin with a dot, are articles"
