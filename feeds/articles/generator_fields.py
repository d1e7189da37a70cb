"""Finds the fields of an article of a declared folder, by one table of synonyms for all programs.

Keys are compared without letter case, ``-`` and ``_``.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from feeds.articles.fields import Fields, Note
from feeds.articles.links import clean_url
from feeds.articles.publication import folded
from feeds.articles.text import is_blank
from feeds.articles.yaml_tree import Node

#: The keys of each field that a declaration may replace, the most telling first; a dot leads into
#: a mapping.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "date": (
        *("publishedDateTime", "date", "pubDate", "pubDatetime", "publishDate", "publishedAt"),
        "datePublished",
    ),
    "updated": (
        *("updatedDateTime", "updated", "lastmod", "modified", "updatedDate", "lastModified"),
        *("lastModifiedAt", "modDatetime", "lastUpdate.date"),
    ),
    "excerpt": ("description", "excerpt", "summary"),
    "topics": (
        *("tags", "topics", "categories", "category"),
        *("taxonomies.tags", "taxonomies.categories"),
    ),
    "images": (
        *("image", "images", "cover", "coverImage", "hero", "heroImage", "featured"),
        *("featuredImage", "banner", "bannerImage", "thumbnail", "ogImage"),
    ),
    "authors": ("authors", "author"),
    "language": ("lang", "locale", "language"),
    "slug": ("slug",),
    "address": ("webUrl", "permalink", "url"),
}

#: The keys of a mapping in a list, by what they hold.
_ADDRESSES = ("url", "src", "image", "path", "file", "href", "relative")
_NAMES = ("name", "label", "title")
_CAPTIONS = ("title", "alt", "caption")
#: Entries of a list that are looked at.
_MAX_ENTRIES = 200

# An address, or a path to a file: ``featured: true`` and a name for a template are neither.
_PICTURE = re.compile(r"(?:https?:)?//.+|(?:.*/)?[^/]+\.[A-Za-z0-9]{2,5}(?:[?#].*)?")


class FolderFields:
    """The front matter of one article, by the fields of its folder."""

    def __init__(self, fields: Fields, keys: Mapping[str, tuple[str, ...]], note: Note) -> None:
        """Take the front matter, and the keys that the declaration gives in place of the usual."""
        self.keys = keys
        self.note = note
        self.nodes: dict[str, tuple[str, Node]] = {}
        for key, node in fields.items():
            self.nodes.setdefault(folded(key), (key, node))

    def present(self, field: str) -> Iterator[tuple[str, Node]]:
        """Yield the keys of a field that the article has, each with its value, null included."""
        for key in self.keys.get(field, SYNONYMS[field]):
            outer, inner = _steps(key)
            if outer not in self.nodes:
                continue
            spelt, node = self.nodes[outer]
            if not inner:
                yield spelt, node
            elif isinstance(node.value, dict) and inner in node.value:
                yield f"{spelt}.{inner}", node.value[inner]

    def first(self, field: str) -> tuple[str, Node] | None:
        """Return the first key of a field that the article has, with its value."""
        return next(self.present(field), None)

    def text(self, field: str) -> Node | None:
        """Return the first value of a field that is no blank text; None without one."""
        for _, node in self.present(field):
            if isinstance(node.value, str) and not is_blank(node.value):
                return node
        return None

    def names(self, field: str) -> Iterator[Node]:
        """Yield the names of a field: of texts, split at commas, of lists and of mappings."""
        for key, node in self.present(field):
            for entry in self._entries(key, node):
                if isinstance(entry.value, dict):
                    entry = _first(entry.value, _NAMES) or Node(None, entry.line)
                if isinstance(entry.value, str):
                    yield entry
                elif entry.value is not None:
                    self.note(f"{key}: an entry that is no name: left out")

    def categories(self) -> Iterator[str]:
        """Yield the categories, which are parts of links for some programs."""
        for key in ("categories", "category"):
            _, node = self.nodes.get(key, ("", Node(None, 1)))
            yield from (e.value for e in self._entries(key, node) if isinstance(e.value, str))

    def images(self, base: str) -> tuple[Node, ...]:
        """Return the images of the first key that has any, as this server writes them.

        Addresses without a host are resolved against ``base``, the link of the article.
        """
        for key, node in self.present("images"):
            if found := tuple(filter(None, (_image(e, base) for e in _list(node)[:_MAX_ENTRIES]))):
                return found
            if not _is_nothing(node):
                self.note(f"{key}: no address of an image: left out")
        return ()

    def _entries(self, key: str, node: Node) -> Iterator[Node]:
        """Yield the entries of a list, or the parts of a text, which commas separate."""
        if isinstance(node.value, str):
            for part in node.value.split(",")[:_MAX_ENTRIES]:
                yield Node(part.strip(" \"'[]"), node.line)
            return
        entries = _list(node)
        if len(entries) > _MAX_ENTRIES:
            self.note(f"{key}: over {_MAX_ENTRIES} entries: the rest is left out")
        yield from entries[:_MAX_ENTRIES]


@cache
def _steps(key: str) -> tuple[str, str]:
    """Return a key of a declaration, as articles' keys are compared, and the key inside it."""
    outer, _, inner = key.partition(".")
    return folded(outer), inner


def _list(node: Node) -> tuple[Node, ...]:
    """Return the entries of a list, or the one value in place of a list."""
    if isinstance(node.value, tuple):
        return node.value
    return () if node.value is None else (node,)


def _is_nothing(node: Node) -> bool:
    return node.value in (None, "", (), "true", "false")


def _first(fields: Fields, keys: tuple[str, ...]) -> Node | None:
    found = (fields[key] for key in keys if key in fields)
    return next((node for node in found if isinstance(node.value, str)), None)


def _image(entry: Node, base: str) -> Node | None:
    """Return one image as this server writes it; None when it has no usable address."""
    fields = entry.value if isinstance(entry.value, dict) else {"url": entry}
    address = _first(fields, _ADDRESSES)
    text = address.value if address else None
    url = clean_url(text, base) if isinstance(text, str) and _PICTURE.fullmatch(text) else None
    if url is None:
        return None
    found: Fields = {"url": Node(url, entry.line)}
    if caption := _first(fields, _CAPTIONS):
        found["title"] = caption
    for side in ("width", "height"):
        if isinstance(fields.get(side, entry).value, str) and side in fields:
            found[side] = fields[side]
    return Node(found, entry.line)
