"""From a path to a verdict: read, parse, and work out all that the index will keep of it.

A Reader is plain data, so that it can be sent to other processes when there is much to read.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from urllib.parse import unquote

import msgspec

from feeds.errors import ArticleError, Embargoed
from feeds.library import disk
from feeds.library.disk import split
from feeds.library.front_matter import Context, parse
from feeds.library.verdict import Entry, Verdict
from feeds.model import Article, Membership

#: Where the pictures are that we serve ourselves, below the content folder and below the site.
PICTURES = "pictures"

#: Seconds that a file must have been still before it is judged to be broken: writers that do not
#: rename leave half of it behind for a moment (2 to 3 % of reads saw one).
STILL = 0.25


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads files of a content folder."""

    content: Path
    site_url: str
    #: In which feeds an article is.
    memberships: Callable[[Article], tuple[Membership, ...]]
    #: How many bytes an article takes in a document, at most.
    weigh: Callable[[Article], int]

    def judge(self, path: str, now: int) -> Verdict | None:
        """What becomes of a file at this moment; None when it is gone."""
        try:
            return self._judge_still(path, now)
        except FileNotFoundError:
            return None

    def _judge_still(self, path: str, now: int) -> Verdict:
        """Judge a file; one that is refused while it is being written is read once more."""
        verdict = self._judge_once(path, now)
        if verdict.reason is None or verdict.reason.is_deliberate or not verdict.stamp:
            return verdict
        age = time.time() - os.lstat(self.content / path).st_mtime
        if 0 <= age < STILL:
            time.sleep(STILL - age)
            return self._judge_once(path, now)
        return verdict

    def _judge_once(self, path: str, now: int) -> Verdict:
        folder, name = split(path)
        # A bad name may stand for another, so it is not looked up on the disk.
        is_namable = disk.is_namable(path)
        stamp = disk.stamp(os.lstat(self.content / path)) if is_namable else ""
        verdict = Verdict(folder, name, stamp)
        try:
            text = disk.read(self.content, path)
            parsed = parse(text, path, Context(self.site_url, self.picture_length, now))
        except Embargoed as error:
            return replace(verdict, reason=error.reason, message=error.message,
                           line=error.line, key=error.key, due=error.due)  # fmt: skip
        except ArticleError as error:
            return replace(verdict, reason=error.reason, message=error.message,
                           line=error.line, key=error.key)  # fmt: skip
        return replace(verdict, message="; ".join(parsed.notes), due=parsed.due,
                       id=parsed.article.id, entry=self.entry(parsed.article))  # fmt: skip

    def entry(self, article: Article) -> Entry:
        """All that the index keeps of an article."""
        body = msgspec.json.encode(article)
        # Quality chooses, and is never shown: pollers keep getting 304 when it moves.
        shown = msgspec.json.encode(replace(article, quality=0))
        return Entry(
            id=article.id,
            published=article.published,
            updated=article.updated,
            weight=self.weigh(article),
            hash=blake2b(shown, digest_size=16).digest(),
            feeds=self.memberships(article),
            body=body,
        )

    def picture_length(self, url: str) -> int | None:
        """The bytes of a picture that we serve ourselves; None for any other."""
        prefix = f"{self.site_url}/{PICTURES}/"
        if not url.startswith(prefix):
            return None
        return disk.size(self.content / PICTURES, unquote(url.removeprefix(prefix)))
