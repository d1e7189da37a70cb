"""The outcome of one file: plain data that passes from the processes that read to the writer."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from unicodedata import combining, is_normalized, normalize

import msgspec

from feeds.articles import name_of
from feeds.errors import ContentMismatch, Reason
from feeds.model import Article, Membership

_SAME_ID = "{} has the same id and {}: give one of the two another id"
_SAME_PATH = "{} is the same path in another Unicode normal form: remove one of them"

_decode = msgspec.json.Decoder(Article).decode


def content_hash(article: Article) -> bytes:
    """Return a hash of all that a subscriber can see of an article."""
    # Quality decides which feeds hold an article, but is not shown: a change of it keeps the ETag.
    shown = msgspec.json.encode(replace(article, quality=0))
    return blake2b(shown, digest_size=16).digest()


def decode_verified(body: bytes, hash: bytes) -> Article:
    """Return the stored article; raise ContentMismatch if its hash differs.

    No check of SQLite looks into a value, where a flipped bit is another title.
    """
    try:
        article = _decode(body)
    except msgspec.MsgspecError as error:
        raise ContentMismatch(f"an article cannot be decoded: {error}") from error
    if content_hash(article) != hash:
        raise ContentMismatch("an article does not match its hash")
    return article


def is_content_unchanged(body: bytes, hash: bytes) -> bool:
    """Return True if a stored article still has its hash."""
    try:
        decode_verified(body, hash)
    except ContentMismatch:
        return False
    return True


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """An article as the index stores it."""

    id: str
    published: int
    updated: int
    #: The most bytes that it takes in a document.
    weight: int
    #: Of all that a subscriber can see.
    hash: bytes
    feeds: tuple[Membership, ...]
    #: The Article as JSON.
    body: bytes
    #: The tokens under which it is found, with spaces between them.
    tokens: str
    #: The images of this site that it shows, with their sizes in bytes.
    pictures: tuple[tuple[str, int | None], ...] = ()
    #: When the article is withdrawn, even if its file is lost by then: seconds UTC.
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a file."""

    reason: Reason
    #: For people.
    message: str
    line: int | None
    key: str | None


@dataclass(frozen=True, slots=True)
class IdClaims:
    """The file that the index serves for each id, and the files rejected because of an id."""

    #: Paths by id.
    served: Mapping[str, str] = field(default_factory=dict)
    refused: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """The outcome of a file: served or not, and if not, the reason and the line to correct."""

    folder: str
    name: str
    #: Time, size and inode of the file that was read.
    stamp: str
    #: Nothing when the file is served.
    reason: Reason | None = None
    #: For people; of a served file: what was left out of it.
    message: str = ""
    line: int | None = None
    key: str | None = None
    #: When the file must be read again, because a date in it is reached: seconds UTC.
    due: int | None = None
    #: The date of expiry that withdrew the article: seconds UTC.
    expired: int | None = None
    id: str | None = None
    entry: IndexEntry | None = None
    #: True if a file that cannot be parsed hides its article all the same.
    is_hidden: bool = False
    #: The other faults of the file, which only `flask check` finds.
    further: tuple[Fault, ...] = ()
    #: The link and the date of a served article: known to `flask check` only.
    link: str = ""
    published: int = 0

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All faults of a file that is meant to be served."""
        if self.reason is None or self.reason.is_deliberate:
            return ()
        return (Fault(self.reason, self.message, self.line, self.key), *self.further)

    @property
    def path(self) -> str:
        """The path below the content folder."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    @property
    def shown(self) -> str:
        """The path as a terminal or a log may show it: no two paths look the same."""
        return printable(self.path)

    def refused_for(self, owner: str, was_served: bool) -> "FileOutcome":
        """Return the outcome on a file whose id the file at another path has.

        ``was_served`` is True if the article of the other file was served before.
        """
        is_same = normalize("NFC", self.path) == normalize("NFC", owner)
        why = "was served first" if was_served else "comes first by path"
        message = (_SAME_PATH if is_same else _SAME_ID).format(printable(owner), why)
        return replace(
            self, reason=Reason.COLLISION, line=1, key="id", message=message, entry=None, due=None
        )

    @property
    def lines(self) -> Iterator[str]:
        """``path:line: key: reason: what to do``, a line for each fault; for people."""
        reported: tuple[FileOutcome | Fault, ...] = (self, *self.further)
        for fault in reported:
            where = self.shown + (f":{fault.line}" if fault.line else "")
            parts = (where, fault.key, fault.reason or "served", fault.message)
            yield ": ".join(part for part in parts if part)

    @property
    def withdraws(self) -> bool:
        """Return True if an earlier version of the article must not be served any longer."""
        if self.reason is None:
            return False
        return (
            self.is_hidden
            or self.reason.is_deliberate
            or self.reason is Reason.COLLISION
            # A mistake in a key that can hide an article must not leave it served.
            or name_of(self.key or "") is not None
        )


def printable(path: str) -> str:
    """Return a path as a terminal or a log may show it: no two paths look the same.

    What cannot be printed is escaped, and so is what is not in the normal form NFC, which looks
    like another text that is.
    """
    shown, is_escaped = "", False
    for character in path:
        # A mark after an escaped character would be displayed on the escape.
        is_mark = is_escaped and combining(character) != 0
        is_plain = character.isprintable() and character != "\\" and not is_mark
        # A character composes with those before it, at most as far back as the last letter.
        is_escaped = not (is_plain and is_normalized("NFC", _last_letter(shown) + character))
        shown += _escaped(character) if is_escaped else character
    return shown


def _last_letter(text: str) -> str:
    """Return the end of a text from its last character on that is no combining mark."""
    start = len(text) - 1
    while start > 0 and combining(text[start]):
        start -= 1
    return text[max(start, 0) :]


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def in_words(tally: dict[str, int]) -> str:
    """Return the counts of articles served and of files not served, by reason, as text."""
    rest = [f"{count} {reason}" for reason, count in tally.items() if reason != "served"]
    served = f"articles served: {tally['served']}"
    return f"{served}; files not served: {', '.join(rest)}" if rest else served
