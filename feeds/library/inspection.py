"""What would become of every file of the folder now, for ``flask check``; the index has no say."""

from collections.abc import Iterator
from dataclasses import replace

from feeds.errors import Reason
from feeds.library import disk
from feeds.library.reading import PICTURES, Reader
from feeds.library.verdict import COLLISION, Verdict

#: Files beside the articles that have a meaning of their own.
SITE_FILES = {"site.yml", "topics.yml", "providers.yml"}


def inspect(reader: Reader, now: int) -> Iterator[Verdict]:
    """Yield the verdict on every file found, in the order of their paths."""
    owners: dict[str, str] = {}
    for path in sorted(_paths(reader)):
        folder, name = disk.split(path)
        if name and not disk.is_article(name):
            yield Verdict(folder, name, "", Reason.NOT_AN_ARTICLE, _meant(path))
        elif verdict := reader.judge(path, now):
            yield _with_further(_owned(verdict, owners), reader, now)


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


def _owned(verdict: Verdict, owners: dict[str, str]) -> Verdict:
    """Of two files with one id the first by path has it."""
    if verdict.id is None or owners.setdefault(verdict.id, verdict.path) == verdict.path:
        return verdict
    message = COLLISION.format(owners[verdict.id])
    return replace(verdict, reason=Reason.COLLISION, key="id", message=message, entry=None)


def _meant(path: str) -> str:
    """What to say of a file that is no article: one of the site's may be called otherwise."""
    name = path.casefold().replace(".yaml", ".yml")
    return f"not read: call it {name}" if name in SITE_FILES else _NOT_AN_ARTICLE


_NOT_AN_ARTICLE = "only files whose names end in .md, and do not begin with a dot, are articles"
