"""One of the site's files: typed access to its values, with errors that name file, line and key."""

import re
from collections.abc import Callable

from feeds.articles.front_matter import refuse_large
from feeds.articles.images import media_type
from feeds.articles.links import clean_url, domain, site_url
from feeds.articles.text import clean
from feeds.articles.yaml_tree import Node, parse
from feeds.errors import ArticleError, SettingsError
from feeds.model import Image
from feeds.urls import is_file_name


class SiteFile:
    """A YAML file that may be missing; every method raises SettingsError for what is wrong."""

    def __init__(self, read: Callable[[str], bytes], name: str) -> None:
        """Read a file by its name; one that is missing holds nothing."""
        self.name = name
        try:
            self.root = parse(refuse_large(read(name)).decode("utf-8-sig"))
        except FileNotFoundError:
            self.root = Node(None, 1)
        except UnicodeError:
            raise SettingsError(f"{self.name}: not UTF-8: save it as UTF-8") from None
        except OSError as error:
            # Often of the folder: of a file in one that is closed nothing else is known.
            message = f"{self.name}: {error.strerror}: make it and its folder readable"
            raise SettingsError(message) from None
        except ArticleError as error:
            raise self._as_ours(error) from None

    def wrong(self, node: Node | None, key: str, message: str) -> SettingsError:
        """The error for a value of this file."""
        line = node.line if node else 1
        return SettingsError(f"{self.name}:{line}: {key}: {message}")

    def mapping(self, node: Node | None, key: str, known: set[str]) -> dict[str, Node]:
        """The mapping of a node, all of whose keys must be known."""
        try:
            found = node.mapping(key) if node else {}
        except ArticleError as error:
            raise self._as_ours(error) from None
        for name, value in found.items():
            if name not in known:
                message = f"unknown key: remove it, or write one of {', '.join(sorted(known))}"
                raise self.wrong(value, name, message)
        return found

    def items(self, keys: dict[str, Node], key: str) -> tuple[Node, ...]:
        """The list under a key, or an empty one."""
        try:
            return keys[key].items(key) if key in keys else ()
        except ArticleError as error:
            raise self._as_ours(error) from None

    def text(self, keys: dict[str, Node], key: str, default: str = "") -> str:
        """The text under a key, cleaned, or the default."""
        try:
            return clean(keys[key].text(key)) or default if key in keys else default
        except ArticleError as error:
            raise self._as_ours(error) from None

    def texts(self, keys: dict[str, Node], key: str) -> tuple[str, ...]:
        """The list of texts under a key."""
        return tuple(self.text({key: node}, key) for node in self.items(keys, key))

    def needed(self, node: Node, keys: dict[str, Node], key: str) -> str:
        """The text under a key that must be there."""
        text = self.text(keys, key)
        if not text:
            raise self.wrong(keys.get(key, node), key, "is missing or empty: write it")
        return text

    def matching(
        self, keys: dict[str, Node], key: str, shape: re.Pattern[str], default: str, todo: str
    ) -> str:
        """The text under a key, which must have a shape; ``todo`` says it in words."""
        text = self.text(keys, key, default)
        if not shape.fullmatch(text):
            raise self.wrong(keys[key], key, todo)
        return text

    def number(self, keys: dict[str, Node], key: str, default: int, least: int, most: int) -> int:
        """The whole number under a key, within bounds, or the default."""
        text = self.text(keys, key, str(default))
        if not (re.fullmatch(r"-?[0-9]{1,9}", text) and least <= int(text) <= most):
            raise self.wrong(keys[key], key, f"write a whole number from {least} to {most}")
        return int(text)

    def flag(self, keys: dict[str, Node], key: str) -> bool:
        """Whether the value under a key is true; absent is false."""
        text = self.text(keys, key, "false")
        if text not in ("true", "false"):
            raise self.wrong(keys[key], key, "write true or false")
        return text == "true"

    def url(self, keys: dict[str, Node], key: str, site: str | None = None) -> str:
        """The web address under a key; where ``site`` is given, it may be below that."""
        text = self.text(keys, key)
        url = clean_url(text) if site is None else site_url(text, site)
        if url is None:
            raise self.wrong(keys.get(key), key, "not a web address: write http(s)://…")
        return url

    def domain(self, node: Node, key: str, text: str) -> str:
        """A domain as articles' providers have it: lower case, without ``www.``."""
        found = domain(text)
        if not found:
            raise self.wrong(node, key, "not a host name: write it like example.org")
        if is_file_name(found):
            message = "ends like a file (.rss, .atom, .json, .opml, .html): write another host name"
            raise self.wrong(node, key, message)
        return found

    def image(self, keys: dict[str, Node], key: str, site: str) -> Image | None:
        """The picture under a key, if there is one."""
        if key not in keys:
            return None
        found = self.mapping(keys[key], key, {"url", "width", "height", "title"})
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

    def _as_ours(self, error: ArticleError) -> SettingsError:
        where = f"{self.name}:{error.line}" if error.line else self.name
        key = f"{error.key}: " if error.key else ""
        return SettingsError(f"{where}: {key}{error.message}")
