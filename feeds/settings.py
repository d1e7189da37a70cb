"""Settings: what the server was told, checked and frozen before it starts.

The environment says where things are; three optional files beside the articles say what the
feeds are called. A wrong or unknown key is never passed over: the server refuses to start.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from feeds.errors import SettingsError
from feeds.hosts import authority_host
from feeds.model import Image, Site


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of topics.yml."""

    slug: str
    name: str
    #: The slug of the topic that this one is part of.
    parent: str | None = None
    description: str = ""
    image: Image | None = None
    retired: bool = False


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """A provider of providers.yml."""

    domain: str
    name: str
    image: Image | None = None
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Topics and providers, by the paths of their feeds, and types to choose articles by."""

    topics: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NamedFeed:
    """A feed of its own, defined in site.yml."""

    name: str
    title: str
    description: str = ""
    #: At least one of these, when there are any.
    any: Choice = Choice()
    #: Each of these.
    all: Choice = Choice()
    #: Not one of these.
    none: Choice = Choice()
    types: frozenset[str] = frozenset()
    #: The least quality that an article must have.
    quality: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """What site.yml, topics.yml and providers.yml say."""

    #: Its ``url`` is empty when site.yml gives none.
    site: Site
    #: By slug.
    topics: Mapping[str, Topic] = field(default_factory=dict)
    #: By domain.
    providers: Mapping[str, KnownProvider] = field(default_factory=dict)
    #: By name.
    feeds: Mapping[str, NamedFeed] = field(default_factory=dict)
    #: Articles in a feed, unless it says otherwise: 1 to 500.
    items: int = 50

    #: Paths of feeds under their former and other names, to the path of the feed.
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> bytes:
        """IndexWriter with everything here that any document could show."""
        return blake2b(msgspec.json.encode(self, order="deterministic"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Environment:
    """Where things are, from the environment: see the table in README."""

    content: Path
    instance: Path
    #: The URL that readers use; empty when nobody said.
    url: str
    cache_url: str
    #: Bytes of documents that each worker keeps in memory, least recently used out.
    memory: int
    #: Look for changes by polling, where the file system tells of none.
    poll: bool
    #: What operators know; empty when nobody is to see their page.
    operator_token: str = field(repr=False)
    #: Log one JSON object a line.
    logs_json: bool
    workers: int
    host: str
    port: int

    @property
    def own_url(self) -> str:
        """The address that the server itself listens on."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


#: Of RFC 3986, without query and fragment, since our paths follow it; or of any other script.
_URL = re.compile(r"(?:[A-Za-z0-9:/@\[\]!$&'()*+,;=._~%-]|[^\x00-\x7f])+")
_ASCII = bytes(range(128))
_PORTS = {"http": 80, "https": 443}
#: Characters that a Bearer's token and a password may both have.
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,200}")
_NUMBER = re.compile(r"[0-9]{1,9}")

#: What the names of our variables begin with, and how each goes on.
_PREFIX = "FEEDS_"
_NAMES = (
    "CACHE_URL", "CONTENT_DIR", "INSTANCE_DIR", "LOG", "MEMORY_MB", "OPERATOR_TOKEN", "URL",
    "WATCH", "WORKERS",
)  # fmt: skip


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Read the variables that are ours; raise SettingsError naming one that is wrong or unknown."""
    for name in sorted(environ):
        _check_known(name)
    return Environment(
        content=_folder(environ.get("FEEDS_CONTENT_DIR") or "content"),
        instance=Path(environ.get("FEEDS_INSTANCE_DIR") or "instance").absolute(),
        url=checked_url(environ.get("FEEDS_URL", ""), "FEEDS_URL"),
        cache_url=environ.get("FEEDS_CACHE_URL", ""),
        memory=_number(environ, "FEEDS_MEMORY_MB", 64, 1, 100_000) * 1_000_000,
        poll=_is(environ, "FEEDS_WATCH", "poll", usually="events"),
        operator_token=_token(environ.get("FEEDS_OPERATOR_TOKEN", "")),
        logs_json=_is(environ, "FEEDS_LOG", "json", usually="text"),
        workers=_number(environ, "FEEDS_WORKERS", 1, 1, 64),
        host=_host(environ.get("HOST") or "127.0.0.1"),
        port=_number(environ, "PORT", 8000, 1, 65535),
    )


def _check_known(name: str) -> None:
    """Refuse a name that only begins like ours: it is mistyped, and would go unnoticed."""
    rest = name.removeprefix(_PREFIX)
    if rest == name or rest in _NAMES:
        return
    # Compared without what all have in common, which would make any two of them near.
    near = get_close_matches(rest.upper(), _NAMES, 1)
    instead = "" if near else "one of "
    names = ", ".join(_PREFIX + known for known in near or _NAMES)
    raise SettingsError(f"{name}: unknown variable: remove it, or write {instead}{names}")


def checked_url(url: str, name: str) -> str:
    """Return the URL of the site as it is written everywhere, or the empty text that it was.

    Raise SettingsError when it is none. It is ASCII and has no slash at the end.
    """
    if not url:
        return ""
    try:
        found = _normal(url) if _URL.fullmatch(url) else None
    except ValueError:
        found = None
    if found is None:
        raise SettingsError(f"{name}: not a web address: write it like https://feeds.example.org")
    if {"", ".", ".."}.intersection(urlsplit(found).path.split("/")[1:]):
        # Links of pages are without the host: "//news/" would be a host called news.
        message = "has // or dots in its path: write it like https://example.org/news"
        raise SettingsError(f"{name}: {message}")
    return found


def _normal(url: str) -> str | None:
    """Return the one way to write an address: host in ASCII, no port that goes without saying."""
    parts = urlsplit(url)
    host = authority_host(parts.netloc, parts.hostname)
    if parts.scheme not in _PORTS or host is None or parts.port == 0:
        return None
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{quote(parts.path.rstrip('/'), safe=_ASCII)}"


def _folder(name: str) -> Path:
    # Not resolved: the folder may be a link that a deployment moves to the next version.
    path = Path(name).absolute()
    if not path.is_dir():
        raise SettingsError(f"FEEDS_CONTENT_DIR: no folder at {path}: make it, or name another")
    return path


def _host(text: str) -> str:
    try:
        ip_address(text)
    except ValueError:
        message = "HOST: write an IP address of this machine, such as 127.0.0.1, or 0.0.0.0 for all"
        raise SettingsError(message) from None
    return text


def _token(text: str) -> str:
    if text and not _TOKEN.fullmatch(text):
        # Not what it was: this goes to logs.
        raise SettingsError(
            "FEEDS_OPERATOR_TOKEN: write at least 16 letters, digits and -._~: openssl rand -hex 16"
        )
    return text


def _is(environ: Mapping[str, str], name: str, word: str, usually: str) -> bool:
    text = environ.get(name, "")
    if text not in ("", usually, word):
        raise SettingsError(f"{name}: write {usually} or {word}")
    return text == word


def _number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name) or str(default)
    if not (_NUMBER.fullmatch(text) and least <= int(text) <= most):
        raise SettingsError(f"{name}: write a whole number from {least} to {most}")
    return int(text)
