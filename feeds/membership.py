"""In which feeds an article is. Pure: an article and the site's files in, paths of feeds out."""

from collections.abc import Iterator

from feeds.model import Article, Membership
from feeds.settings import Choice, NamedFeed, SiteConfig
from feeds.urls import ALL, is_file_name, name_path, provider_path, topic_path


def memberships(article: Article, files: SiteConfig) -> tuple[Membership, ...]:
    """Every feed that holds the article, each once."""
    found = {ALL.path: Membership(ALL.path)}
    for membership in (*_topics(article, files), *_provider(article, files)):
        found.setdefault(membership.path, membership)
    chosen = {
        f"feeds/{feed.name}": Membership(f"feeds/{feed.name}")
        for feed in files.feeds.values()
        if _is_in(feed, article, frozenset(found))
    }
    return tuple((found | chosen).values())


def _topics(article: Article, files: SiteConfig) -> Iterator[Membership]:
    above: list[str] = []
    for name in article.topics:
        path = files.aliases.get(topic_path(name), topic_path(name))
        topic = files.topics.get(path.removeprefix("topics/"))
        if topic is None or not topic.retired:
            yield Membership(path, name)
        while topic is not None and topic.parent is not None:
            topic = files.topics[topic.parent]
            if not topic.retired:
                above.append(topic_path(topic.slug))
    yield from map(Membership, above)


def _provider(article: Article, files: SiteConfig) -> Iterator[Membership]:
    provider = article.provider
    # Such a file is rejected, but what an older index had of it may still be served.
    if is_file_name(provider.domain):
        return
    path = provider_path(provider.domain)
    domain = files.aliases.get(path, path).removeprefix("providers/")
    known = files.providers.get(domain)
    if known is None or not known.retired:
        yield Membership(provider_path(domain), provider.name)
        yield Membership(name_path(domain, provider.name), provider.name)


def _is_in(feed: NamedFeed, article: Article, paths: frozenset[str]) -> bool:
    return (
        (feed.quality is None or article.quality >= feed.quality)
        and (not feed.types or article.type in feed.types)
        and (feed.any == Choice() or any(_answers(feed.any, article, paths)))
        and all(_answers(feed.all, article, paths))
        and not any(_answers(feed.none, article, paths))
    )


def _answers(choice: Choice, article: Article, paths: frozenset[str]) -> Iterator[bool]:
    yield from (path in paths for path in choice.topics | choice.providers)
    yield from (type == article.type for type in choice.types)
