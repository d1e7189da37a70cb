"""The one place that knows our addresses.

/topics/ai.rss            FeedId("topics/ai"), rss
/topics/ai                FeedId("topics/ai"), its page for people
/topics/ai/2026-05.atom   FeedId("topics/ai", "2026-05"), atom: an archive
/all/2026-05-2.json       FeedId("all", "2026-05", 2), json: the second full part of a large month
/feed, /rss.xml, …        FeedId("all"), rss: what people and readers guess
/                         the page of FeedId("all")
/topics/ai.opml           FeedId("topics/ai"): a list of its feed and those of its sub-topics
/embed/topics/ai          FeedId("topics/ai"), a box of it for an iframe on another site
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from feeds.hosts import authority_host, host_name
from feeds.model import Addresses, FeedId, Format

ALL = FeedId("all")

#: Addresses of the main feed that readers and people try first; they answer without a redirect.
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

_ENDINGS = {format.value for format in Format}
# Years that a calendar has, and ASCII digits: "\d" would take those of every script.
_MONTH = re.compile(r"([12][0-9]{3}-(?:0[1-9]|1[0-2]))(?:-([1-9][0-9]{0,3}))?")
_PREFIXES = re.compile(r"^(?:name-)*")
# The endings of feeds, of lists and of the files of an export, with those of their twins. None is
# a top-level domain but "br", which an export writes behind another ending.
_FILE_NAME = re.compile(r".+\.(?:rss|atom|json|opml|html)(?:\.(?:gz|br|zst))?")
#: Characters of a path that is looked up in another spelling; no name is that long.
_LONGEST = 1_000
#: How many names follow each kind of feed: a provider has a domain, and may have a name under it.
_NAMES = {"all": {0}, "topics": {1}, "providers": {1, 2}, "feeds": {1}}


@dataclass(frozen=True, slots=True)
class Target:
    """What an address names: a feed in a format, or its page when the format is None."""

    feed: FeedId
    format: Format | None


def read(path: str) -> Target | None:
    """What a path of ours names, or None; whether such a feed exists is for the catalog to say.

    The path is decoded, without the slash in front.
    """
    if path in GUESSES:
        return Target(ALL, GUESSES[path])
    stem, dot, ending = path.rpartition(".")
    if dot and ending in _ENDINGS:
        feed = _feed_id(stem)
        return Target(feed, Format(ending)) if feed else None
    if path == "":
        return Target(ALL, None)
    feed = _feed_id(path)
    return Target(feed, None) if feed and feed != ALL else None


def read_feed(path: str) -> FeedId | None:
    """The feed that a path without an ending names, the whole too, or None; never an archive."""
    found = _feed_id(path)
    return found if found and found.month is None else None


def _feed_id(path: str) -> FeedId | None:
    kind, *names = path.split("/")
    allowed = _NAMES.get(kind)
    if allowed is None or not all(names):
        return None
    if len(names) - 1 in allowed and (found := _MONTH.fullmatch(names[-1])):
        return FeedId("/".join([kind, *names[:-1]]), found[1], int(found[2]) if found[2] else None)
    return FeedId(path) if len(names) in allowed else None


@dataclass(frozen=True, slots=True)
class Urls:
    """Writes full addresses below the configured URL of the site, never below a request's."""

    #: Without a slash at the end.
    site: str

    def feed(self, feed: FeedId, format: Format) -> str:
        """The address of a feed in a format."""
        return f"{self.site}/{quote(_path(feed))}.{format.value}"

    def page(self, feed: FeedId) -> str:
        """The address of a feed's page for people."""
        return f"{self.site}/" if feed == ALL else f"{self.site}/{quote(_path(feed))}"

    def addresses(self, feed: FeedId) -> Addresses:
        """All addresses of a feed."""
        return Addresses(
            self.page(feed), *(self.feed(feed, f) for f in (Format.RSS, Format.ATOM, Format.JSON))
        )

    def at(self, path: str) -> str:
        """The address of anything else of ours: ``feeds.opml``."""
        return f"{self.site}/{quote(path)}"

    def opml(self, feed: FeedId) -> str:
        """The address of the list of a topic and its sub-topics."""
        return self.at(f"{feed.path}.opml")

    def box(self, feed: FeedId, options: Mapping[str, str]) -> str:
        """The address of a box of a feed, for an iframe."""
        return f"{self.at(f'embed/{feed.path}')}{'?' if options else ''}{urlencode(options)}"

    def oembed(self, feed: FeedId) -> str:
        """The address that tells how to embed a feed (https://oembed.com).

        Consumers append their limits, and some expect a query there. A web server of files does
        not look at it.
        """
        return f"{self.oembed_document(feed)}?{urlencode({'url': self.page(feed)})}"

    def oembed_document(self, feed: FeedId) -> str:
        """The same without a query."""
        return self.at(f"oembed/{feed.path}.json")

    def local(self, address: str) -> str:
        """An address of ours without the host: what a page of ours links to and loads.

        So a page works where it is looked at, also while the site's own address is not set up.
        """
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.site))
        return address.removeprefix(origin)

    def page_at(self, address: str) -> FeedId | None:
        """The feed whose page is at an address, however that is written; None when there is none.

        Scheme, letter case of the host, query, fragment and a slash at the end do not count.
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


def _origin(parts: SplitResult) -> tuple[str | None, int | None]:
    """The host and the port of a web address; no host, when it is none."""
    ports = {"http": 80, "https": 443}
    if parts.scheme not in ports:
        return None, None
    port = None if parts.port == ports[parts.scheme] else parts.port
    return authority_host(parts.netloc, parts.hostname), port


def _path(feed: FeedId) -> str:
    if feed.month is None:
        return feed.path
    part = f"-{feed.part}" if feed.part else ""
    return f"{feed.path}/{feed.month}{part}"


def usual_path(path: str) -> str:
    """The path as feeds have it: names in lower case and NFKC, domains as in DNS.

    Whether such a feed exists is for the catalog to say.
    """
    kind, *names = path.split("/")
    if len(path) > _LONGEST:
        return path
    if kind == "topics" and names:
        return topic_path(names[0])
    if kind == "providers" and names:
        domain = (host_name(names[0]) or names[0]).removeprefix("www.")
        return name_path(domain, names[1]) if names[1:] else provider_path(domain)
    return path.lower()


def topic_path(name: str) -> str:
    """The path of the feed of a topic."""
    return f"topics/{slug(name)}"


def provider_path(domain: str) -> str:
    """The path of the feed of a provider."""
    return f"providers/{domain}"


def is_file_name(domain: str) -> bool:
    """Whether the page of a domain would have the address of another's feed, list or exported file.

    The page of ``h.example.rss`` would be at the address of the feed of ``h.example``.
    """
    return _FILE_NAME.fullmatch(domain) is not None


def name_path(domain: str, name: str) -> str:
    """The path of the feed of one name among those that publish under a domain."""
    found = slug(name)
    # providers/x/2026-05 is the archive of providers/x, so a name cannot have that address; and
    # what stands in for it must not be the address of another name.
    taken = _MONTH.fullmatch(_PREFIXES.sub("", found))
    return f"providers/{domain}/{'name-' if taken else ''}{found}"


@lru_cache(maxsize=4096)
def slug(name: str) -> str:
    """The part of an address that stands for a name; names whose slugs agree are one.

    ``C++`` becomes ``c-plus-plus``, ``C#`` ``c-sharp``, ``日本語`` stays; ``😀``, of which nothing
    would be left, becomes a short hash.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower())
    spelled = folded.translate(_SPELLED)
    # FeedCounters belong to their letters: without them the words of many scripts would fall apart.
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" else "-" for c in spelled)
    found = "-".join(part for part in kept.split("-") if part)
    return found or blake2b(folded.encode("utf-8", "replace"), digest_size=4).hexdigest()


# Variation selectors and the keycap say how the character before looks: they are no marks of it.
_LOOKS = (*range(0xFE00, 0xFE10), 0x20E3)
_SPELLED = {ord("+"): "-plus", ord("#"): "-sharp", **dict.fromkeys(_LOOKS, "")}
