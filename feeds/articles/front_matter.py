"""The text of one file to an Article, or to the reason why it is not served.

Only the keys named in this module are ever looked at: what else a file holds cannot leave it. The
keys of a declared folder are translated into these first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from unicodedata import normalize

from feeds.articles import fences, publication
from feeds.articles.body_addresses import Page
from feeds.articles.fields import (
    ABSENT,
    Fields,
    Note,
    instant,
    integer,
    language,
    link,
    names,
    words,
)
from feeds.articles.file_names import without_ending
from feeds.articles.generator_articles import states, translate
from feeds.articles.images import PICTURES, images
from feeds.articles.links import domain, host
from feeds.articles.related import related
from feeds.articles.sanitize import render_body, sanitise
from feeds.articles.text import MAX_EXCERPT, MAX_TITLE, UNCLEAN, bare
from feeds.articles.yaml_tree import Node
from feeds.errors import ArticleError, Reason
from feeds.model import Article, Image, Provider
from feeds.settings import DeclaredFolder
from feeds.urls import is_file_name

#: Bytes of the body, escaped: an item of a feed has to stay under 200,000 (requirement 12).
MAX_CONTENT = 100_000
MAX_ID, MAX_TYPE, MAX_AUTHORS, MAX_TOPICS = 500, 40, 20, 50
#: The wrong entries of a list that are reported: thousands would fill the report.
MAX_NOTES = 50

# White space, listed: str.strip() takes control characters too, and depends on Python's version.
_WHITE = " \t\n\r\xa0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_UNFIT_FOR_ID = re.compile(rf"[\t\n]|{UNCLEAN.pattern}")
_DATED_NAME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-")

_FILE_NAME = (
    "a host whose name ends like a file (.rss, .atom, .json, .opml, .html) cannot have a page here:"
    " write another provider.domain"
)

_KEYS = {
    bare(key): key
    for key in (
        *("title", "excerpt", "publishedDateTime", "date", "updatedDateTime", "webUrl", "id"),
        *("originalUrl", "provider", "topics", "images", "related", "featuredContent", "type"),
        *("quality", "locale"),
    )
}

#: Every key that has a part in what is shown of an article, as it is documented.
KNOWN_KEYS = frozenset(_KEYS.values())


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of a file that decide how it is read."""

    #: Addresses of pictures that begin with no host are below it.
    site_url: str
    #: The bytes of a picture that we serve ourselves; None for any other.
    picture_length: Callable[[str], int | None]
    #: Seconds UTC.
    now: int
    #: The media type of a picture; None if only its address shows it.
    picture_type: Callable[[str], str | None] = lambda url: None
    #: The declaration of the folder of the article; None for one with the keys of this server.
    folder: DeclaredFolder | None = None

    def has_picture(self, url: str) -> bool:
        """Return True if the site serves an image at a URL."""
        is_ours = url.startswith(f"{self.site_url}/{PICTURES}/")
        return is_ours and self.picture_length(url) is not None


@dataclass(frozen=True, slots=True)
class Body:
    """The end of a file, after its front matter, and the bytes of the whole file."""

    text: str
    file: bytes

    @property
    def line(self) -> int:
        """Return the line of the file where the text begins."""
        breaks = self.file.count(b"\n") + self.file.count(b"\r") - self.file.count(b"\r\n")
        return 1 + breaks - self.text.count("\n")


@dataclass(frozen=True, slots=True)
class Parsed:
    """An article, and what an editor and the library should know of its file."""

    article: Article
    #: When the same file has another outcome, without a change: seconds UTC.
    due: int | None = None
    #: When the article is withdrawn, even if its file is gone by then: seconds UTC.
    expires: int | None = None
    #: The omitted parts of the article, with the reasons.
    notes: tuple[str, ...] = ()


def parse(text: bytes, path: str, context: Context) -> Parsed:
    """Read a file whose path below the content folder is given.

    Raise ArticleError when it is not served: Embargoed when it will be.
    """
    return interpret(*read(text, context), path, context)


def interpret(fields: Fields, body: Body, path: str, context: Context) -> Parsed:
    """Make an article of a front matter and a body; raise ArticleError as ``parse`` does."""
    expiry = publication.expiry(states(fields.items(), context.folder), context.now)
    try:
        notes: list[str] = []
        if context.folder is None:
            _refuse_misspelt(fields)
        else:
            fields, end = translate(fields, body.text, path, context.folder, notes.append)
            body = replace(body, text=end)
        published = _published(fields, path, context.now)
        updated, due = _updated(fields, published, context.now)
        article = _article(fields, path, context, notes.append, published, updated, body)
    except ArticleError as error:
        # An earlier version may be served meanwhile, but not beyond this.
        error.due = error.due or expiry
        raise
    dues = [moment for moment in (due, expiry) if moment is not None]
    return Parsed(article, min(dues, default=None), expiry, tuple(notes[:MAX_NOTES]))


def read(text: bytes, context: Context) -> tuple[Fields, Body]:
    """Return the front matter and the body of a file; raise ArticleError when it has none."""
    try:
        fields, body = (fences.split if context.folder is None else fences.split_any)(text)
        return fields, Body(body, text)
    except ArticleError as error:
        glimpse(text, context, error)
        raise


def glimpse(text: bytes, context: Context, error: ArticleError) -> None:
    """Add to the error of a file that cannot be read whether it hides its article, and when."""
    try:
        found = states(publication.glimpse(text), context.folder)
        error.due = publication.expiry(found, context.now)
    except ArticleError as hidden:
        error.hidden, error.due = hidden, hidden.due


def _refuse_misspelt(fields: Fields) -> None:
    """Reject near-miss spellings of known keys."""
    for key, node in fields.items():
        meant = None if key in KNOWN_KEYS else _KEYS.get(bare(key))
        if meant:
            raise publication.misspelt(meant, node)


def _published(fields: Fields, path: str, now: int) -> int:
    """Return when the article was published: by its date, else by that in its file name.

    Raise Embargoed if that is in the future.
    """
    key = "date" if "date" in fields and "publishedDateTime" not in fields else "publishedDateTime"
    node = fields.get(key)
    if node is None:
        node = _date_in_name(path)
    if node is None:
        raise ArticleError(Reason.MISSING_FIELD, "missing: write it as 2020-06-30T20:50Z", 1, key)
    return publication.begin(key, node, now)


def _date_in_name(path: str) -> Node | None:
    """Return the date that the name of a file begins with, if it begins with one."""
    named = _DATED_NAME.match(path.rpartition("/")[2])
    if named is None:
        return None
    node = Node(named[1], 1)
    try:
        instant(node, "date")
    except ArticleError:
        message = f"the file name begins with {named[1]}, which is no date: rename it, or add date"
        raise ArticleError(Reason.BAD_DATE, message, 1, "date") from None
    return node


def _updated(fields: Fields, published: int, now: int) -> tuple[int, int | None]:
    """Return when the article was updated, and when to read a later update; None for never."""
    node = fields.get("updatedDateTime")
    updated = instant(node, "updatedDateTime") if node else published
    if updated > now:
        return published, updated
    return max(updated, published), None


def _article(
    fields: Fields,
    path: str,
    context: Context,
    note: Note,
    published: int,
    updated: int,
    body: Body,
) -> Article:
    title, url = _title(fields), _url(fields)
    authors = fields.get("provider", ABSENT).mapping("provider").get("authors", ABSENT)
    pictures = fields.get("images", ABSENT)
    length, kind = context.picture_length, context.picture_type
    shown = images(pictures, "images", context.site_url, length, kind, note)

    return Article(
        id=_id(fields, path),
        title=title,
        url=url,
        published=published,
        updated=updated,
        provider=_provider(fields, url, note),
        excerpt=words(fields, "excerpt", MAX_EXCERPT),
        authors=names(authors, "provider.authors", MAX_AUTHORS, note),
        topics=names(fields.get("topics", ABSENT), "topics", MAX_TOPICS, note),
        images=shown,
        related=related(fields.get("related", ABSENT), "related", url, note),
        type=words(fields, "type", MAX_TYPE) or "article",
        language=language(fields, "locale", note),
        quality=integer(fields, "quality"),
        # The slowest comes last: nothing else may be wrong by then.
        content=_content(fields, body, _page(url, shown, context), note),
    )


def _title(fields: Fields) -> str:
    title = words(fields, "title", MAX_TITLE)
    if "title" not in fields:
        raise ArticleError(Reason.MISSING_FIELD, "missing: add one", 1, "title")
    if not title:
        message = "no visible text: write a title"
        raise ArticleError(Reason.EMPTY_TITLE, message, fields["title"].line, "title")
    return title


def _url(fields: Fields) -> str:
    url, key = link(fields)
    if not key:
        message = "missing, and originalUrl too: add the address of the article"
        raise ArticleError(Reason.MISSING_FIELD, message, 1, "webUrl")
    if url is None:
        message = "not an address: write it in full, beginning with https://"
        raise ArticleError(Reason.BAD_URL, message, fields[key].line, key)
    return url


def _id(fields: Fields, path: str) -> str:
    """Return the identifier that the article names, else its path without the ending.

    No repair of text touches an identifier: another version of ftfy would change identities.
    """
    node = fields.get("id", ABSENT)
    own = node.text("id").strip(_WHITE)
    # A file system may keep a path in NFC or NFD, and a checkout changes one into the other.
    id = own or normalize("NFC", without_ending(path))
    if len(id) > MAX_ID:
        message = f"over {MAX_ID} characters: shorten it, or the path of the file"
        raise ArticleError(Reason.BAD_TYPE, message, node.line, "id")
    if _UNFIT_FOR_ID.search(own):
        message = "holds a control character, or one that XML forbids: remove it"
        raise ArticleError(Reason.BAD_TYPE, message, node.line, "id")
    return id


def _provider(fields: Fields, url: str, note: Note) -> Provider:
    provider = fields.get("provider", ABSENT).mapping("provider")
    node, key = provider.get("domain", ABSENT), "provider.domain"
    raw = node.text(key)
    name = domain(raw)
    if raw.strip() and not name:
        note(f"{key}: not a host name: left out")
    if not name:
        name, key = host(url), link(fields)[1]
        node = fields[key]
    if is_file_name(name):
        raise ArticleError(Reason.BAD_URL, _FILE_NAME, node.line, key)
    return Provider(name, words(provider, "name", where="provider.") or name)


def _page(url: str, images: tuple[Image, ...], context: Context) -> Page:
    lead = images[0].url if images else ""
    return Page(url, context.site_url, context.has_picture, lead=lead)


def _content(fields: Fields, body: Body, page: Page, note: Note) -> str:
    """Return the body with what is featured before it, if it fits into a feed."""
    featured = fields.get("featuredContent", ABSENT)
    content = ""
    if html := featured.text("featuredContent"):
        where = f"featuredContent, line {featured.line}"
        content = _rendered(partial(sanitise, html), page, where, note)
    if body.text.strip():
        content += _rendered(partial(render_body, body.text, body.line), page, "body", note)
    if len(escape(content, quote=False).encode()) > MAX_CONTENT:
        note(f"body: over {MAX_CONTENT} bytes: left out")
        return ""
    return content


def _rendered(render: Callable[[Page], str], page: Page, where: str, note: Note) -> str:
    """Return HTML; empty, with a note, if it would take too long: the article is served."""

    def note_lost(line: str, what: str) -> None:
        note(f"{where}, line {line}: {what}: left out" if line else f"{where}: {what}: left out")

    try:
        return render(replace(page, note=note_lost))
    except ArticleError as error:
        note(f"{where}: {error.message}: left out")
        return ""
