"""The addresses of this site: how they are parsed and how they are written.

/topics/ai.rss            FeedId("topics/ai"), rss
/topics/ai                FeedId("topics/ai"), its page for people
/topics/ai/2026-05.atom   FeedId("topics/ai", "2026-05"), atom: an archive
/all/2026-05-2.json       FeedId("all", "2026-05", 2), json: the second full part of a large month
/feed, /rss.xml, …        FeedId("all"), rss: the addresses that people and readers guess
/                         the page of FeedId("all")
/mix/ai,-gaming.rss       FeedId("mix/ai,-gaming"), rss: a mix, which has no archive
/search/boats-ferry.rss   FeedId("search/boats-ferry"), rss: a search, which has none either
/topics/ai.opml           FeedId("topics/ai"): OPML of its feed and the feeds of its sub-topics
/embed/topics/ai          FeedId("topics/ai"): a box of it for an iframe on another site
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from feeds.host_names import DEFAULT_PORTS, authority_host, host_name
from feeds.model import Addresses, FeedId, Format
from feeds.slugs import slug

ALL = FeedId("all")

#: Addresses of the main feed that readers and people try first; served without a redirect.
GUESSES = {
    "feed": Format.RSS,
    "feed/": Format.RSS,
    "rss": Format.RSS,
    "feed.xml": Format.RSS,
    "rss.xml": Format.RSS,
    "index.xml": Format.RSS,
    "atom.xml": Format.ATOM,
    "feed.json": Format.JSON,
}

#: The first names of the addresses of this site, without endings; what is below them is its, too.
_OWN = frozenset(
    {".tributary", "all", "embed", "feeds", "index", "mix", "oembed", "operators", "pictures"}
    | {"providers", "search", "static", "topics", "healthz", "readyz", "metrics"}
    | {"opensearch.xml", "sitemap.xml", "robots.txt"}
)
_OWN_PATHS = frozenset({"", ".well-known/feeds", ".well-known/feed-menu", *GUESSES})
#: The endings of the files of an exported site after the name of the address, in this order.
_FILE_ENDINGS = ((".gz", ".br", ".zst"), (".html",), (".rss", ".atom", ".json", ".opml"))

_ENDINGS = {format.value for format in Format}
# Plausible years in ASCII digits: "\d" would match the digits of every script.
_MONTH = re.compile(r"([12][0-9]{3}-(?:0[1-9]|1[0-2]))(?:-([1-9][0-9]{0,3}))?")
_PREFIXES = re.compile(r"^(?:name-)*")
# The endings of feeds, of lists and of exported files, with those of their compressed copies. "br"
# alone is a top-level domain, and an export writes it only after another ending.
_FILE_NAME = re.compile(r".+\.(?:rss|atom|json|opml|html)(?:\.(?:gz|br|zst))?")
#: The longest path that is looked up in its usual spelling, in characters; no name is that long.
MAX_PATH = 1_000
#: The most targets that are memoised, and the longest path of one: strangers can invent others.
_MEMOISED, _MAX_MEMOISED = 2048, 200
#: The number of names after each kind of feed: a domain of a provider may have a name below it.
_NAMES = {"all": {0}, "topics": {1}, "providers": {1, 2}, "feeds": {1}}
#: The kinds of feeds that a reader writes into an address; each has one name and no archive.
_CUSTOM = ("mix", "search")


class Target(NamedTuple):
    """The target of an address: a feed in a format, or its page if the format is None."""

    feed: FeedId
    format: Format | None

    def __str__(self) -> str:
        """Return the path below the site, decoded, with the slash in front: ``/all.rss``."""
        if self.format is None:
            return "/" if self.feed == ALL else f"/{_path(self.feed)}"
        return f"/{_path(self.feed)}.{self.format.value}"


class PathTarget(NamedTuple):
    """The target of an address that has one document of no single feed, such as a list."""

    #: With the slash in front: ``/feeds.json``.
    path: str

    def __str__(self) -> str:
        """Return the path."""
        return self.path


def read(path: str) -> Target | None:
    """Return the target of a path of this site, or None; the feed need not exist.

    The path is decoded and has no slash in front.
    """
    return _read(path) if len(path) <= _MAX_MEMOISED else _read.__wrapped__(path)


# A look-up of one and the same target compares identities; of equal ones it takes 0.3 µs more.
@lru_cache(_MEMOISED)
def _read(path: str) -> Target | None:
    if path in GUESSES:
        return read(f"{ALL.path}.{GUESSES[path]}")
    stem, dot, ending = path.rpartition(".")
    if dot and ending in _ENDINGS:
        feed = _feed_id(stem)
        return Target(feed, Format(ending)) if feed else None
    if path == "":
        return Target(ALL, None)
    feed = _feed_id(path)
    return Target(feed, None) if feed and feed != ALL else None


def decoded(path: str) -> str:
    """Return the text of a path of WSGI, which represents each byte by one character."""
    return path.encode("latin-1", "replace").decode("utf-8", "replace")


def is_own(path: str) -> bool:
    """Return True if an address belongs to this site, whether or not it has a document there.

    The names of the files in an export belong to it, too: ``index.html``, ``all.rss.gz``.
    """
    for endings in _FILE_ENDINGS:
        if path in GUESSES:
            break
        path = next((path.removesuffix(each) for each in endings if path.endswith(each)), path)
    return path in _OWN_PATHS or path.partition("/")[0] in _OWN


def read_feed(path: str) -> FeedId | None:
    """Return the feed that a path without an ending names, or None; never an archive."""
    found = _feed_id(path)
    return found if found and found.month is None else None


def _feed_id(path: str) -> FeedId | None:
    kind, *names = path.split("/")
    if kind in _CUSTOM:
        return FeedId(path) if len(names) == 1 and names[0] else None
    allowed = _NAMES.get(kind)
    if allowed is None or not all(names):
        return None
    if len(names) - 1 in allowed and (found := _MONTH.fullmatch(names[-1])):
        return FeedId("/".join([kind, *names[:-1]]), found[1], int(found[2]) if found[2] else None)
    return FeedId(path) if len(names) in allowed else None


@dataclass(frozen=True, slots=True)
class Urls:
    """A writer of addresses below the configured URL of the site, never below that of a request."""

    #: Without a slash at the end.
    site: str

    def target(self, target: Target) -> str:
        """Return the address of a target."""
        return f"{self.site}{_quoted(str(target))}"

    def feed(self, feed: FeedId, format: Format) -> str:
        """Return the address of a feed in a format."""
        return self.target(Target(feed, format))

    def page(self, feed: FeedId) -> str:
        """Return the address of a feed's page for people."""
        return self.target(Target(feed, None))

    def addresses(self, feed: FeedId) -> Addresses:
        """Return all addresses of a feed."""
        return Addresses(
            self.page(feed), *(self.feed(feed, f) for f in (Format.RSS, Format.ATOM, Format.JSON))
        )

    def at(self, path: str) -> str:
        """Return the address of any other path of this site, such as ``feeds.opml``."""
        return f"{self.site}/{quote(path)}"

    def opml(self, feed: FeedId) -> str:
        """Return the address of the OPML of a topic and its sub-topics."""
        return self.at(f"{feed.path}.opml")

    @property
    def opensearch(self) -> str:
        """Return the address of the OpenSearch description."""
        return self.at("opensearch.xml")

    def box(self, feed: FeedId, options: Mapping[str, str]) -> str:
        """Return the address of a box of a feed, for an iframe."""
        return f"{self.at(f'embed/{feed.path}')}{'?' if options else ''}{urlencode(options)}"

    def oembed(self, feed: FeedId) -> str:
        """Return the address of the oEmbed document of a feed (https://oembed.com).

        It has a query because consumers append their limits to it, and some expect one there. A
        web server of exported files ignores it.
        """
        return f"{self.oembed_document(feed)}?{urlencode({'url': self.page(feed)})}"

    def oembed_document(self, feed: FeedId) -> str:
        """Return the address of the oEmbed document without its query."""
        return self.at(f"oembed/{feed.path}.json")

    def local(self, address: str) -> str:
        """Return an address of this site without its host, for the links of pages.

        Pages then work at any host, even before the URL of the site is configured.
        """
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.site))
        return address.removeprefix(origin)

    def page_at(self, address: str) -> FeedId | None:
        """Return the feed whose page is at an address, or None.

        Scheme, letter case of the host, query, fragment and a slash at the end are ignored.
        """
        try:
            site, found = urlsplit(self.site), urlsplit(address)
            same = _origin(found) == _origin(site)
        except ValueError:
            return None
        path = f"{unquote(found.path).removesuffix('/')}/"
        below = f"{unquote(site.path)}/"
        if not same or not path.startswith(below):
            return None
        target = read(path[len(below) : -1])
        return target.feed if target and target.format is None else None


def _quoted(path: str) -> str:
    # RFC 3986, 3.3: a path may contain "," and "+", which separate and begin the terms of a mix.
    return quote(path, safe="/,+")


def _origin(parts: SplitResult) -> tuple[str | None, int | None]:
    """Return the host and the port of an address; no host if it is not a web address."""
    if parts.scheme not in DEFAULT_PORTS:
        return None, None
    port = None if parts.port == DEFAULT_PORTS[parts.scheme] else parts.port
    return authority_host(parts.netloc, parts.hostname), port


def _path(feed: FeedId) -> str:
    if feed.month is None:
        return feed.path
    part = f"-{feed.part}" if feed.part else ""
    return f"{feed.path}/{feed.month}{part}"


def is_search(feed: FeedId) -> bool:
    """Return True for a search."""
    return feed.path.startswith("search/")


def is_custom(feed: FeedId) -> bool:
    """Return True for a mix and a search."""
    return feed.path.startswith(tuple(f"{kind}/" for kind in _CUSTOM))


def usual_path(path: str) -> str:
    """Return the usual spelling of a path: names in lower case and NFKC, domains as in DNS.

    The feed need not exist.
    """
    kind, *names = path.split("/")
    if len(path) > MAX_PATH:
        return path
    if kind == "topics" and names:
        return topic_path(names[0])
    if kind == "providers" and names:
        domain = (host_name(names[0]) or names[0]).removeprefix("www.")
        return name_path(domain, names[1]) if names[1:] else provider_path(domain)
    return path.lower()


def topic_path(name: str) -> str:
    """Return the path of the feed of a topic."""
    return f"topics/{slug(name)}"


def provider_path(domain: str) -> str:
    """Return the path of the feed of a provider."""
    return f"providers/{domain}"


def is_file_name(domain: str) -> bool:
    """Return True if the page of a domain would collide with a feed, a list or an exported file.

    The page of ``h.example.rss`` would be at the address of the feed of ``h.example``.
    """
    return _FILE_NAME.fullmatch(domain) is not None


def name_path(domain: str, name: str) -> str:
    """Return the path of the feed of one name among those that publish under a domain."""
    found = slug(name)
    # providers/x/2026-05 is the archive of providers/x, so no name may have that address; its
    # substitute must not be the address of another name either.
    is_taken = _MONTH.fullmatch(_PREFIXES.sub("", found))
    return f"providers/{domain}/{'name-' if is_taken else ''}{found}"
