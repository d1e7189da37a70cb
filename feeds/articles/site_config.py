"""Parses site.yml, topics.yml and providers.yml, three optional files beside the articles."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from feeds.articles.generator_folders import declared_folders
from feeds.articles.site_config_values import SiteFile
from feeds.articles.yaml_tree import Node
from feeds.host_names import host_name
from feeds.model import AiUse, FeedId, Format, Rights, Site
from feeds.moved_addresses import Move, format_meant, grouped, old_address
from feeds.settings import Choice, KnownProvider, NamedFeed, SiteConfig, Topic, checked_url
from feeds.slugs import slug
from feeds.urls import is_own, name_path, provider_path, read_feed, topic_path, usual_path

#: The keys of each mapping in the files, by the file or by the key that holds the mapping.
KEYS: Mapping[str, frozenset[str]] = {
    name: frozenset(keys.split())
    for name, keys in {
        "site.yml": (
            "title url description language tag image icon hubs limits rights menu moved feeds "
            "folders"
        ),
        "tag": "authority year",
        "limits": "items max_age topic",
        "feeds": "name title description any all none types quality limit content",
        "any, all, none": "topics providers types languages",
        "topics.yml": "id name parent description image aliases retired",
        "providers.yml": "domain name image aliases retired rights full_text",
        "rights": "text license ai",
        "ai": "train search input",
    }.items()
}

#: Tag URIs must survive every change of address, so they do not contain the URL of the site.
DEFAULT_AUTHORITY, DEFAULT_YEAR = "tributary.localhost", 2026

#: The longest text of rights, and the longest address of a license.
_MAX_RIGHTS = 200

#: Messages for values of a wrong form.
_AN_AUTHORITY = "not a domain: write it in lower case, like example.org"
_A_NAME = "part of an address: write lower-case letters and digits, with single hyphens between"
_AN_OLD_ADDRESS = "not an old address: write its path, such as /category/news/feed/"
_A_FEED = "not a feed: write all, topics/NAME, providers/DOMAIN or feeds/NAME"

_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_AUTHORITY = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def parse_site_config(read: Callable[[str], bytes], url: str, default_url: str) -> SiteConfig:
    """Return the configuration that the three files contain.

    ``read`` returns the bytes of a file of the content folder and raises OSError or ArticleError.
    ``url`` overrides that of site.yml; ``default_url`` applies without both. Raise SettingsError
    with file, line and key for anything unknown or wrong.
    """
    site_file = SiteFile(read, "site.yml")
    keys = site_file.mapping(site_file.root, "site.yml", KEYS["site.yml"])
    where = f"site.yml:{keys['url'].line}" if "url" in keys else "site.yml"
    own_url = checked_url(site_file.text(keys, "url"), f"{where}: url")
    site_url = url or own_url or default_url
    limits = site_file.mapping(keys.get("limits"), "limits", KEYS["limits"])
    topics_file = SiteFile(read, "topics.yml")
    providers_file = SiteFile(read, "providers.yml")
    aliases: dict[str, str] = {}
    topics = _topics(topics_file, site_url, aliases)
    providers = _providers(providers_file, site_url, aliases)
    feeds = _feeds(site_file, keys.get("feeds"), aliases)
    return SiteConfig(
        site=_site(site_file, keys, limits, site_url),
        topics=topics,
        providers=providers,
        feeds=feeds,
        items=site_file.number(limits, "items", 50, 1, 500),
        listed_topic=site_file.number(limits, "topic", 0, 0, 1_000_000),
        aliases=aliases,
        menu=tuple(
            _feed_path(
                site_file, node, "menu", site_file.text({"menu": node}, "menu"), feeds, aliases
            )
            for node in site_file.items(keys, "menu")
        ),
        moved=grouped(_moves(site_file, keys.get("moved"), feeds, aliases)),
        folders=declared_folders(site_file, keys),
    )


def _site(file: SiteFile, keys: dict[str, Node], limits: dict[str, Node], url: str) -> Site:
    tag = file.mapping(keys.get("tag"), "tag", KEYS["tag"])
    return Site(
        title=file.text(keys, "title", "Tributary"),
        url=url,
        description=file.text(keys, "description"),
        language=file.language(keys, "language", "en"),
        authority=_authority(file, tag),
        year=file.number(tag, "year", DEFAULT_YEAR, 1990, 9999),
        image=file.image(keys, "image", url),
        icon=file.image(keys, "icon", url),
        hubs=tuple(file.url({"hubs": hub}, "hubs") for hub in file.items(keys, "hubs")),
        # Requirement 62: long enough to slow pollers down, short enough for fresh news.
        max_age=file.number(limits, "max_age", 900, 60, 18_000),
        rights=_rights(file, keys),
    )


def _rights(file: SiteFile, keys: dict[str, Node]) -> Rights:
    found = file.mapping(keys.get("rights"), "rights", KEYS["rights"])
    ai = file.mapping(found.get("ai"), "ai", KEYS["ai"])
    rights = Rights(
        text=file.text(found, "text"),
        license=file.url(found, "license") if "license" in found else "",
        ai=AiUse(*(file.permission(ai, use) for use in ("train", "search", "input"))),
    )
    for key, value in (("text", rights.text), ("license", rights.license)):
        # Every item of a feed repeats them.
        if len(value) > _MAX_RIGHTS:
            message = f"over {_MAX_RIGHTS} characters: shorten it"
            raise file.wrong(found[key], key, message)
    return rights


def _authority(file: SiteFile, tag: dict[str, Node]) -> str:
    """Return the authority of the identifiers; an international domain as ASCII (RFC 4151)."""
    text = file.text(tag, "authority", DEFAULT_AUTHORITY)
    found = text if text.isascii() else host_name(text)
    if found is None or not _AUTHORITY.fullmatch(found):
        raise file.wrong(tag["authority"], "authority", _AN_AUTHORITY)
    return found


def _topics(file: SiteFile, url: str, aliases: dict[str, str]) -> Mapping[str, Topic]:
    found: dict[str, Topic] = {}
    lines: dict[str, Node] = {}
    for node in file.items({"topics": file.root}, "topics"):
        keys = file.mapping(node, "topics", KEYS["topics.yml"])
        name = file.needed(node, keys, "name")
        own = slug(file.text(keys, "id", name))
        if own in found:
            raise file.wrong(node, "id", f"a second topic {own}: give it another id")
        parent = file.text(keys, "parent")
        found[own] = Topic(
            slug=own,
            name=name,
            parent=slug(parent) if parent else None,
            description=file.text(keys, "description"),
            image=file.image(keys, "image", url),
            retired=file.flag(keys, "retired"),
        )
        lines[own] = node
        # The id overrides the slug of the name, which becomes an alias of the topic.
        for other in {slug(name), *map(slug, file.texts(keys, "aliases"))} - {own}:
            _alias(file, node, aliases, topic_path(other), topic_path(own))
    for topic in found.values():
        _check_parents(file, lines[topic.slug], found, topic)
        if owner := aliases.get(topic_path(topic.slug)):
            node = lines[owner.removeprefix("topics/")]
            message = f"{topic.slug} is a topic of its own: remove it from one of the two"
            raise file.wrong(node, "aliases", message)
    return found


def _check_parents(file: SiteFile, node: Node, topics: Mapping[str, Topic], topic: Topic) -> None:
    seen = {topic.slug}
    while topic.parent is not None:
        if topic.parent not in topics:
            raise file.wrong(
                node, "parent", f"no topic {topic.parent}: write the id of another topic"
            )
        if topic.parent in seen:
            raise file.wrong(node, "parent", "a topic cannot be part of itself: write another")
        seen.add(topic.parent)
        topic = topics[topic.parent]


def _providers(file: SiteFile, url: str, aliases: dict[str, str]) -> Mapping[str, KnownProvider]:
    found: dict[str, KnownProvider] = {}
    lines: dict[str, Node] = {}
    for node in file.items({"providers": file.root}, "providers"):
        keys = file.mapping(node, "providers", KEYS["providers.yml"])
        needed = file.needed(node, keys, "domain")
        domain = file.domain(keys["domain"], "domain", needed)
        if domain in found:
            raise file.wrong(node, "domain", f"a second provider {domain}: keep one")
        found[domain] = KnownProvider(
            domain=domain,
            name=file.text(keys, "name", domain),
            image=file.image(keys, "image", url),
            retired=file.flag(keys, "retired"),
            rights=_rights(file, keys) if "rights" in keys else None,
            full_text=file.flag(keys, "full_text", "true"),
        )
        for text in file.texts(keys, "aliases"):
            other = file.domain(keys["aliases"], "aliases", text)
            _alias(file, node, aliases, provider_path(other), provider_path(domain))
        lines[domain] = node
    for domain in found:
        if owner := aliases.get(provider_path(domain)):
            node = lines[owner.removeprefix("providers/")]
            message = f"{domain} is a provider of its own: remove it from one of the two"
            raise file.wrong(node, "aliases", message)
    return found


def _alias(file: SiteFile, node: Node, aliases: dict[str, str], other: str, own: str) -> None:
    if aliases.setdefault(other, own) != own:
        message = f"{other} is another name of {aliases[other]} already: remove it from one of them"
        raise file.wrong(node, "aliases", message)


def _feeds(
    file: SiteFile, node: Node | None, aliases: Mapping[str, str]
) -> Mapping[str, NamedFeed]:
    found: dict[str, NamedFeed] = {}
    for item in file.items({"feeds": node} if node else {}, "feeds"):
        keys = file.mapping(item, "feeds", KEYS["feeds"])
        file.needed(item, keys, "name")
        name = file.matching(keys, "name", _NAME, "", _A_NAME)
        if name in found:
            raise file.wrong(item, "name", f"a second feed {name}: give it another name")
        found[name] = NamedFeed(
            name=name,
            title=file.text(keys, "title", name),
            description=file.text(keys, "description"),
            any=_choice(file, keys, "any", aliases),
            all=_choice(file, keys, "all", aliases),
            none=_choice(file, keys, "none", aliases),
            types=frozenset(file.texts(keys, "types")),
            quality=file.number(keys, "quality", 0, -(10**9), 10**9) if "quality" in keys else None,
            limit=file.number(keys, "limit", 50, 1, 500) if "limit" in keys else None,
            excerpts_only=_is_excerpts_only(file, keys),
        )
    return found


def _is_excerpts_only(file: SiteFile, keys: dict[str, Node]) -> bool:
    text = file.text(keys, "content", "full")
    if text not in ("full", "excerpt"):
        raise file.wrong(keys["content"], "content", "write full or excerpt")
    return text == "excerpt"


def _choice(file: SiteFile, keys: dict[str, Node], key: str, aliases: Mapping[str, str]) -> Choice:
    found = file.mapping(keys.get(key), key, KEYS["any, all, none"])
    topics = (topic_path(name) for name in file.texts(found, "topics"))
    texts = file.texts(found, "providers")
    providers = (_provider(file, keys[key], text, aliases) for text in texts)
    return Choice(
        topics=frozenset(aliases.get(path, path) for path in topics),
        providers=frozenset(providers),
        types=frozenset(file.texts(found, "types")),
        languages=frozenset(
            file.language({"languages": node}, "languages").lower()
            for node in file.items(found, "languages")
        ),
    )


def _provider(file: SiteFile, node: Node, text: str, aliases: Mapping[str, str]) -> str:
    """Return the path of a provider, or of a name under one: ``tube.example/Slow Ferry``."""
    before, _, name = text.partition("/")
    path = provider_path(file.domain(node, "providers", before))
    domain = aliases.get(path, path).removeprefix("providers/")
    return name_path(domain, name) if name else provider_path(domain)


def _feed_path(
    file: SiteFile,
    node: Node,
    key: str,
    text: str,
    feeds: Mapping[str, NamedFeed],
    aliases: Mapping[str, str],
) -> str:
    """Return the path of the feed that a text names as its page is addressed: ``topics/ai``."""
    found = read_feed(usual_path(text.strip("/")))
    if found is None:
        raise file.wrong(node, key, _A_FEED)
    kind, *names = found.path.split("/")
    if kind == "feeds" and names[0] not in feeds:
        raise file.wrong(node, key, f"no feed {names[0]}: write the name of one under feeds")
    family = "/".join([kind, *names[:1]])
    return "/".join([aliases.get(family, family), *names[1:]])


def _moves(
    file: SiteFile,
    node: Node | None,
    feeds: Mapping[str, NamedFeed],
    aliases: Mapping[str, str],
) -> Iterator[Move]:
    """Yield the moves of old addresses to feeds; a feed's ending selects its format."""
    for text, target in file.entries(node, "moved").items():
        old = old_address(text)
        if old is None:
            raise file.wrong(target, "moved", _AN_OLD_ADDRESS)
        bare = old.path.rstrip("/")
        if not is_own(bare):
            # Clients ask with and without the slash.
            old = replace(old, path=bare)
        # The home page is no feed, but other programs serve feeds there at a query.
        elif is_own(old.path) and not (old.path == "" and old.parameters):
            message = "an address of this site, which answers there already: remove it"
            raise file.wrong(target, "moved", message)
        path = file.text({"moved": target}, "moved")
        stem, dot, ending = path.rpartition(".")
        is_exact = dot and ending in {format.value for format in Format}
        named = _feed_path(file, target, "moved", stem if is_exact else path, feeds, aliases)
        format = Format(ending) if is_exact else format_meant(old)
        yield Move(old, FeedId(named), format)
