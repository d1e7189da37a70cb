"""Translates an article of a declared folder into the keys of this server."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from html import escape

from feeds.articles import publication
from feeds.articles.body_addresses import Page
from feeds.articles.fields import Fields, Note, in_iso
from feeds.articles.file_names import without_ending
from feeds.articles.generator_dates import Moment, date_in_path, read_date
from feeds.articles.generator_fields import FolderFields
from feeds.articles.generator_links import compiled
from feeds.articles.links import without_tracking
from feeds.articles.markdown import MAX_MARKDOWN
from feeds.articles.sanitize import render_body
from feeds.articles.template_code import end_of_excerpt, without_comments, without_template_code
from feeds.articles.text import clean
from feeds.articles.yaml_tree import Node
from feeds.errors import ArticleError, Reason
from feeds.plain_text import HEADINGS, html_text
from feeds.settings import DeclaredFolder
from feeds.slugs import slug

#: The first heading, or the first listing, in which ``#`` begins a comment.
_HEADING = re.compile(r"^(?:#[ \t]+(.*)|[ \t]*(?:```|~~~))", re.MULTILINE)
_DAY = re.compile(r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[-_. ]|$)")


def folder_of(path: str, declared: tuple[DeclaredFolder, ...]) -> DeclaredFolder | None:
    """Return the innermost declared folder that a file is in."""
    found = (each for each in declared if not each.folder or path.startswith(f"{each.folder}/"))
    return next(found, None)


def states(
    fields: Iterable[tuple[str, Node]], folder: DeclaredFolder | None
) -> Iterator[tuple[str, Node]]:
    """Yield the keys that may hide an article, with their values as this server writes them.

    ``published`` is a date if the declaration maps it to one. A date that can be read hides
    nothing.
    """
    if folder is None:
        yield from fields
        return
    dates = set(map(publication.folded, folder.keys.get("date", ())))
    for key, node in fields:
        may_be_date = publication.holds_date(key) or publication.folded(key) in dates
        if may_be_date and (moment := _readable(node, folder.zone)):
            if publication.says_when(key):
                continue
            node = Node(in_iso(moment.seconds), node.line)
        # Other programs spell these keys as they like.
        yield key.lower(), node


def translate(
    fields: Fields, body: str, path: str, folder: DeclaredFolder, note: Note
) -> tuple[Fields, str]:
    """Return the front matter and the body of an article in the keys of this server."""
    below = path.removeprefix(f"{folder.folder}/") if folder.folder else path
    _refuse_private(below)
    found = FolderFields(fields, folder.keys, note)
    title, body = _title(found.text("title"), without_comments(body), path)
    place = _Place(without_ending(below), _text(found.text("slug")))
    address = found.first("address")
    moment, day = _moment(found, place, address and address[1], folder.zone)
    language = found.text("language") or (Node(folder.language, 1) if folder.language else None)
    parts = place.parts(moment.day, title, found, language)
    url = _link(folder, address, parts)
    excerpt = found.text("excerpt") or _beginning(body, path, str(url.value))
    body = _plain(body, path, note)
    authors = Node(tuple(found.names("authors")), 1)
    translated = {
        "id": url if folder.has_link_ids else fields.get("id"),
        "title": title,
        "date": day,
        "updatedDateTime": _updated(found, folder.zone),
        "webUrl": url,
        "excerpt": excerpt,
        "topics": Node(tuple(found.names("topics")), 1),
        "images": Node(found.images(str(url.value)), 1),
        "provider": Node({"name": Node(folder.provider, 1), "authors": authors}, 1),
        "locale": language,
    }
    return {key: node for key, node in translated.items() if node is not None}, body


class _Place:
    """The place of a file below its folder, without its ending."""

    def __init__(self, path: str, own_slug: str) -> None:
        # A bundle is a folder of its own: ``name/index.md``.
        self.path = path.removesuffix("/index") or path
        self.folder, _, self.name = self.path.rpartition("/")
        self.own_slug = own_slug.strip("/ ")

    def parts(
        self, day: date, title: Node | None, fields: FolderFields, language: Node | None
    ) -> dict[str, Callable[[], str]]:
        """Return the parts of a link by name; each is computed on demand."""
        last = self.own_slug or self.name
        return {
            "year": partial(format, day.year, "04"),
            "month": partial(format, day.month, "02"),
            "day": partial(format, day.day, "02"),
            "m": partial(str, day.month),
            "d": partial(str, day.day),
            "slug": lambda: self.own_slug or _DAY.sub("", self.name) or self.name,
            "name": lambda: self.name,
            "path": lambda: f"{self.folder}/{last}" if self.folder else last,
            "folder": lambda: self.folder,
            "title": lambda: slug(clean(_text(title))),
            "categories": lambda: self._categories(fields),
            "lang": lambda: _text(language),
        }

    def _categories(self, fields: FolderFields) -> str:
        """Return the folders above ``_posts`` and the categories of the article, each once."""
        above, mark, _ = f"/{self.folder}/".partition("/_posts/")
        folders = [part for part in above.split("/") if part] if mark else []
        return "/".join(dict.fromkeys((*folders, *map(slug, filter(None, fields.categories())))))


def _refuse_private(below: str) -> None:
    """Refuse what is in a folder whose name other programs take for a private one."""
    *inner, _ = below.split("/")
    if any(name.startswith("_") and name != "_posts" for name in inner):
        message = "in a folder whose name begins with '_': move it out to publish it"
        raise ArticleError(Reason.DRAFT, message)


def _text(node: Node | None) -> str:
    return node.value if node and isinstance(node.value, str) else ""


def _readable(node: Node, zone: str | None) -> Moment | None:
    try:
        return read_date(node, "date", zone)
    except ArticleError:
        return None


def _title(title: Node | None, body: str, path: str) -> tuple[Node | None, str]:
    """Return the title, else the first heading; the body does not begin with it a second time."""
    found = _HEADING.search(body)
    if found is None or found[1] is None:
        return title, body
    heading = Node(found[1].rstrip("# \t"), 1)
    if title is not None and clean(_text(heading)) != clean(_text(title)):
        return title, body
    before = body[: found.start()]
    # Modules that the text imports stand before its first heading.
    text = without_template_code(before, _is_mdx(path))
    is_first = text is not None and not text[0].strip()
    rest = before + body[found.end() :] if is_first else body
    return heading if title is None else title, rest


def _is_mdx(path: str) -> bool:
    return path.endswith(".mdx")


def _plain(body: str, path: str, note: Note) -> str:
    """Return a body without code of other programs, or none if code is left in it."""
    if len(body) > MAX_MARKDOWN:
        note(f"body: over {MAX_MARKDOWN} characters: left out")
        return ""
    found = without_template_code(body, _is_mdx(path))
    if found is None:
        note("body: left out, since its text depends on template code")
        return ""
    text, taken = found
    if taken:
        note(f"body: pieces of template code left out: {taken}")
    return text


def _beginning(body: str, path: str, base: str) -> Node | None:
    """Return what is before the mark that ends an excerpt, but for headings; None without one."""
    end = end_of_excerpt(body)
    text = "" if end is None else _plain(body[:end], path, lambda note: None)
    if not text.strip():
        return None
    html = render_body(text, 1, Page(base))
    return Node(escape(html_text(html, without=HEADINGS).strip() or html_text(html)), 1)


def _moment(
    fields: FolderFields, place: _Place, address: Node | None, zone: str | None
) -> tuple[Moment, Node]:
    """Return when the article was published: by a key, else by its path or its address.

    A date that cannot be read is an error: the file's name may have another.
    """
    key, node = fields.first("date") or ("date", None)
    node = node or date_in_path(place.path) or date_in_path(_text(address))
    if node is None:
        message = "missing: write it as 2020-06-30, or begin the name of the file with it"
        raise ArticleError(Reason.MISSING_FIELD, message, 1, key)
    moment = read_date(node, key, zone)
    return moment, Node(in_iso(moment.seconds), node.line)


def _updated(fields: FolderFields, zone: str | None) -> Node | None:
    found = fields.first("updated")
    if found is None or found[1].value is None:
        return None
    key, node = found
    return Node(in_iso(read_date(node, key, zone).seconds), node.line)


def _link(
    folder: DeclaredFolder, address: tuple[str, Node] | None, parts: dict[str, Callable[[], str]]
) -> Node:
    """Return the link: the address that the article names, else the pattern of its folder."""
    pattern = compiled(folder.link)
    key, node = address or ("link", Node(None, 1))
    if own := node.text(key).strip():
        url = pattern.resolve(own, is_exact=publication.name_of(key) == "permalink")
        message = "not an address, or code of another program: write the address of the page"
    else:
        url = pattern.fill(parts)
        message = "the pattern of the folder in site.yml gives no address: add a slug"
    if url is None:
        raise ArticleError(Reason.BAD_URL, message, node.line, key)
    return Node(without_tracking(url), node.line)
