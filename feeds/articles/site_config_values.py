"""Reads one of the optional YAML files beside the articles: typed values or an error.

Unlike a wrong article, a wrong file stops the start, since it affects every feed.
"""

import re
from collections.abc import Callable, Set

from feeds.articles.fences import refuse_large
from feeds.articles.images import media_type
from feeds.articles.links import clean_url, domain, site_url
from feeds.articles.text import clean
from feeds.articles.yaml_tree import Node, parse
from feeds.errors import ArticleError, SettingsError
from feeds.model import Image
from feeds.urls import is_file_name

#: The keys of an image.
IMAGE_KEYS = frozenset({"url", "width", "height", "title"})

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class SiteFile:
    """An optional YAML file; every method raises SettingsError for a wrong value."""

    def __init__(self, read: Callable[[str], bytes], name: str) -> None:
        """Read a file by its name; a missing file counts as empty."""
        self.name = name
        try:
            self.root = parse(refuse_large(read(name)).decode("utf-8-sig"))
        except FileNotFoundError:
            self.root = Node(None, 1)
        except UnicodeError:
            raise SettingsError(f"{self.name}: not UTF-8: save it as UTF-8") from None
        except OSError as error:
            # The cause is often the folder: its files cannot be examined without permission.
            message = f"{self.name}: {error.strerror}: make it and its folder readable"
            raise SettingsError(message) from None
        except ArticleError as error:
            raise self._settings_error(error) from None

    def wrong(self, node: Node | None, key: str, message: str) -> SettingsError:
        """Return the error for a value of this file."""
        line = node.line if node else 1
        return SettingsError(f"{self.name}:{line}: {key}: {message}")

    def entries(self, node: Node | None, key: str) -> dict[str, Node]:
        """Return the mapping of a node, whatever its keys."""
        try:
            return node.mapping(key) if node else {}
        except ArticleError as error:
            raise self._settings_error(error) from None

    def mapping(self, node: Node | None, key: str, known: Set[str]) -> dict[str, Node]:
        """Return the mapping of a node; reject unknown keys."""
        found = self.entries(node, key)
        for name, value in found.items():
            if name not in known:
                message = f"unknown key: remove it, or write one of {', '.join(sorted(known))}"
                raise self.wrong(value, name, message)
        return found

    def items(self, keys: dict[str, Node], key: str) -> tuple[Node, ...]:
        """Return the list of a key, or an empty one."""
        try:
            return keys[key].items(key) if key in keys else ()
        except ArticleError as error:
            raise self._settings_error(error) from None

    def text(self, keys: dict[str, Node], key: str, default: str = "") -> str:
        """Return the clean text of a key, or the default."""
        try:
            return clean(keys[key].text(key)) or default if key in keys else default
        except ArticleError as error:
            raise self._settings_error(error) from None

    def texts(self, keys: dict[str, Node], key: str) -> tuple[str, ...]:
        """Return the list of texts of a key."""
        return tuple(self.text({key: node}, key) for node in self.items(keys, key))

    def needed(self, node: Node, keys: dict[str, Node], key: str) -> str:
        """Return the text of a required key."""
        text = self.text(keys, key)
        if not text:
            raise self.wrong(keys.get(key, node), key, "is missing or empty: write it")
        return text

    def matching(
        self, keys: dict[str, Node], key: str, shape: re.Pattern[str], default: str, todo: str
    ) -> str:
        """Return the text of a key, which must match ``shape``; ``todo`` is the error message."""
        text = self.text(keys, key, default)
        if not shape.fullmatch(text):
            raise self.wrong(keys[key], key, todo)
        return text

    def language(self, keys: dict[str, Node], key: str, default: str = "") -> str:
        """Return the language of a key (BCP 47), or the default."""
        todo = "not a language: write it like en, fr or pt-BR"
        return self.matching(keys, key, _LANGUAGE, default, todo)

    def number(self, keys: dict[str, Node], key: str, default: int, least: int, most: int) -> int:
        """Return the integer of a key, within bounds, or the default."""
        text = self.text(keys, key, str(default))
        if not (re.fullmatch(r"-?[0-9]{1,9}", text) and least <= int(text) <= most):
            raise self.wrong(keys[key], key, f"write a whole number from {least} to {most}")
        return int(text)

    def flag(self, keys: dict[str, Node], key: str, default: str = "false") -> bool:
        """Return the boolean of a key, or the default."""
        text = self.text(keys, key, default)
        if text not in ("true", "false"):
            raise self.wrong(keys[key], key, "write true or false")
        return text == "true"

    def permission(self, keys: dict[str, Node], key: str) -> bool | None:
        """Return whether a key permits what it names; None without the key."""
        if key not in keys:
            return None
        words = {"yes": True, "true": True, "no": False, "false": False}
        text = self.text(keys, key)
        if text not in words:
            raise self.wrong(keys[key], key, "write yes or no")
        return words[text]

    def url(self, keys: dict[str, Node], key: str, site: str | None = None) -> str:
        """Return the web address of a key, which may be relative to ``site``, if given."""
        text = self.text(keys, key)
        url = clean_url(text) if site is None else site_url(text, site)
        if url is None:
            raise self.wrong(keys.get(key), key, "not a web address: write http(s)://…")
        return url

    def domain(self, node: Node, key: str, text: str) -> str:
        """Return a domain in lower case, without ``www.``, as articles' providers have it."""
        found = domain(text)
        if not found:
            raise self.wrong(node, key, "not a host name: write it like example.org")
        if is_file_name(found):
            message = "ends like a file (.rss, .atom, .json, .opml, .html): write another host name"
            raise self.wrong(node, key, message)
        return found

    def image(self, keys: dict[str, Node], key: str, site: str) -> Image | None:
        """Return the image of a key; None without the key."""
        if key not in keys:
            return None
        found = self.mapping(keys[key], key, IMAGE_KEYS)
        url = self.url(found, "url", site)
        size = {"width": 0, "height": 0}
        width, height = (self.number(found, name, 0, 0, 10_000) or None for name in size)
        known = width is not None and height is not None
        return Image(
            url,
            media_type(url),
            width if known else None,
            height if known else None,
            self.text(found, "title"),
        )

    def _settings_error(self, error: ArticleError) -> SettingsError:
        where = f"{self.name}:{error.line}" if error.line else self.name
        key = f"{error.key}: " if error.key else ""
        return SettingsError(f"{where}: {key}{error.message}")
