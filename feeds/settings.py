"""The settings, checked and frozen before the server starts.

The environment holds the paths and addresses of the installation; three optional files beside the
articles hold the names of the feeds. A wrong or unknown key is an error: the server does not start.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from feeds.errors import SettingsError
from feeds.host_names import DEFAULT_PORTS, authority_host
from feeds.model import Article, Image, Rights, Site
from feeds.moved_addresses import Moves


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
    #: None if those of the site hold.
    rights: Rights | None = None
    #: False if the bodies of its articles stay here.
    full_text: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """A condition on articles: topics and providers (paths of their feeds), types, languages."""

    topics: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    #: BCP 47, in lower case; ``pt`` includes ``pt-br``.
    languages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NamedFeed:
    """A feed that site.yml defines."""

    name: str
    title: str
    description: str = ""
    #: An article must match at least one of these, unless they are empty.
    any: Choice = Choice()
    #: An article must match each of these.
    all: Choice = Choice()
    #: An article must match none of these.
    none: Choice = Choice()
    types: frozenset[str] = frozenset()
    #: The lowest quality of an article.
    quality: int | None = None
    limit: int | None = None
    #: True if its documents hold no bodies.
    excerpts_only: bool = False


@dataclass(frozen=True, slots=True)
class DeclaredFolder:
    """A folder of site.yml whose articles another program's users wrote, in its own keys."""

    #: Below the content folder; empty for all of it.
    folder: str
    #: The pattern of the links of its articles.
    link: str
    #: The keys that its articles use for a field, in place of the usual ones.
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: The IANA zone of times without an offset, and of the days in links.
    zone: str | None = None
    #: The language of articles that name none.
    language: str = ""
    #: The name of the provider.
    provider: str = ""
    #: True if the identifiers of its articles are their links.
    has_link_ids: bool = False


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """The content of site.yml, topics.yml and providers.yml."""

    #: The site; ``url`` is empty if site.yml names none.
    site: Site
    #: The topics by slug.
    topics: Mapping[str, Topic] = field(default_factory=dict)
    #: The providers by domain.
    providers: Mapping[str, KnownProvider] = field(default_factory=dict)
    #: The named feeds by name.
    feeds: Mapping[str, NamedFeed] = field(default_factory=dict)
    #: Articles in a feed without a limit of its own: 1 to 500.
    items: int = 50
    #: Articles from which on a topic is in lists, unless topics.yml has it.
    listed_topic: int = 0
    #: Former and alternative paths of feeds, each mapped to the path of its feed.
    aliases: Mapping[str, str] = field(default_factory=dict)
    #: The paths of the feeds in the feed menu; without any there is no feed menu.
    menu: tuple[str, ...] = ()
    #: The addresses at which another program served feeds.
    moved: Moves = field(default_factory=dict)
    #: The declared folders, the innermost before those around it.
    folders: tuple[DeclaredFolder, ...] = ()

    def provider(self, domain: str) -> KnownProvider | None:
        """Return the known provider that publishes under a domain, or once did."""
        path = f"providers/{domain}"
        return self.providers.get(self.aliases.get(path, path).removeprefix("providers/"))

    def public(self, article: Article) -> Article:
        """Return the article without its body if its provider publishes excerpts only."""
        known = self.provider(article.provider.domain)
        return article if known is None or known.full_text else replace(article, content="")

    def rights(self, domain: str) -> Rights:
        """Return the rights in the articles of a provider: its own, else those of the site."""
        known = self.provider(domain)
        return (known and known.rights) or self.site.rights

    @property
    def fingerprint(self) -> bytes:
        """Return a hash of everything in these files that a document can show.

        Declared folders are shown by their articles only.
        """
        return _hash(replace(self, moved={}, folders=()))

    @property
    def reading_fingerprint(self) -> bytes:
        """Return a hash of everything in these files that changes what is read from articles."""
        return _hash(replace(self, moved={}))


def _hash(config: SiteConfig) -> bytes:
    return blake2b(msgspec.json.encode(config, order="deterministic"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings from the environment; README has a table of them."""

    content: Path
    instance: Path
    #: The public URL of the site; empty if the variable is not set.
    url: str
    cache_url: str
    #: Bytes of documents that each worker keeps in memory; the least recently used leave first.
    memory: int
    #: Poll for changes, on file systems that send no events.
    poll: bool
    #: The password of the operators' page; empty if the page is disabled.
    operator_token: str = field(repr=False)
    #: Log one JSON object per line.
    logs_json: bool
    workers: int
    host: str
    port: int

    @property
    def own_url(self) -> str:
        """Return the address on which the server listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


#: The characters of RFC 3986, and those of other scripts. A query or a fragment is rejected:
#: the paths of feeds are appended to the URL.
_URL = re.compile(r"(?:[A-Za-z0-9:/@\[\]!$&'()*+,;=._~%-]|[^\x00-\x7f])+")
_ASCII = bytes(range(128))
#: The characters that are allowed in a Bearer token as well as in a password.
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,200}")
_NUMBER = re.compile(r"[0-9]{1,9}")

#: The prefix of the variables of this server, and their names after it.
_PREFIX = "FEEDS_"
_NAMES = (
    "CACHE_URL", "CONTENT_DIR", "INSTANCE_DIR", "LOG", "MEMORY_MB", "OPERATOR_TOKEN", "URL",
    "WATCH", "WORKERS",
)  # fmt: skip


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Read the variables of this server; raise SettingsError for a wrong or unknown one."""
    for name in sorted(environ):
        _check_known(name)
    return Environment(
        content=_folder(environ.get("FEEDS_CONTENT_DIR") or "content"),
        instance=Path(environ.get("FEEDS_INSTANCE_DIR") or "instance").absolute(),
        url=checked_url(environ.get("FEEDS_URL", ""), "FEEDS_URL"),
        cache_url=environ.get("FEEDS_CACHE_URL", ""),
        memory=_number(environ, "FEEDS_MEMORY_MB", 64, 1, 100_000) * 1_000_000,
        poll=_is_set(environ, "FEEDS_WATCH", "poll", default="events"),
        operator_token=_token(environ.get("FEEDS_OPERATOR_TOKEN", "")),
        logs_json=_is_set(environ, "FEEDS_LOG", "json", default="text"),
        workers=_number(environ, "FEEDS_WORKERS", 1, 1, 64),
        host=_host(environ.get("HOST") or "127.0.0.1"),
        port=_number(environ, "PORT", 8000, 1, 65535),
    )


def _check_known(name: str) -> None:
    """Reject an unknown name with our prefix: a mistyped variable would be ignored silently."""
    rest = name.removeprefix(_PREFIX)
    if rest == name or rest in _NAMES:
        return
    # Compared without the common prefix, which would make any two names similar.
    similar = get_close_matches(rest.upper(), _NAMES, 1)
    quantity = "" if similar else "one of "
    names = ", ".join(_PREFIX + known for known in similar or _NAMES)
    raise SettingsError(f"{name}: unknown variable: remove it, or write {quantity}{names}")


def checked_url(url: str, name: str) -> str:
    """Return the URL of the site in ASCII without a slash at the end; an empty one stays empty.

    Raise SettingsError if it is not a web address.
    """
    if not url:
        return ""
    try:
        found = _canonical(url) if _URL.fullmatch(url) else None
    except ValueError:
        found = None
    if found is None:
        raise SettingsError(f"{name}: not a web address: write it like https://feeds.example.org")
    if {"", ".", ".."}.intersection(urlsplit(found).path.split("/")[1:]):
        # Pages link without the host: "//news/" would point to a host called news.
        message = "has // or dots in its path: write it like https://example.org/news"
        raise SettingsError(f"{name}: {message}")
    return found


def _canonical(url: str) -> str | None:
    """Return the canonical form of an address: host in ASCII, without a default port."""
    parts = urlsplit(url)
    host = authority_host(parts.netloc, parts.hostname)
    if parts.scheme not in DEFAULT_PORTS or host is None or parts.port == 0:
        return None
    port = "" if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{quote(parts.path.rstrip('/'), safe=_ASCII)}"


def _folder(name: str) -> Path:
    # Its links are not resolved: a deployment may switch the folder, a link, to the next version.
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
        # Without the value: the message is logged.
        raise SettingsError(
            "FEEDS_OPERATOR_TOKEN: write at least 16 letters, digits and -._~: openssl rand -hex 16"
        )
    return text


def _is_set(environ: Mapping[str, str], name: str, word: str, default: str) -> bool:
    text = environ.get(name, "")
    if text not in ("", default, word):
        raise SettingsError(f"{name}: write {default} or {word}")
    return text == word


def _number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name) or str(default)
    if not (_NUMBER.fullmatch(text) and least <= int(text) <= most):
        raise SettingsError(f"{name}: write a whole number from {least} to {most}")
    return int(text)
