"""The feeds that hold an article. Pure: an article and the site's files in, paths of feeds out."""

from collections.abc import Iterator

from feeds.model import Article, Membership
from feeds.settings import Choice, NamedFeed, SiteConfig
from feeds.urls import ALL, is_file_name, name_path, provider_path, topic_path


def memberships(article: Article, files: SiteConfig) -> tuple[Membership, ...]:
    """Return every feed that holds the article, each once."""
    by_path = {ALL.path: Membership(ALL.path)}
    for membership in (*_topics(article, files), *_provider(article, files)):
        by_path.setdefault(membership.path, membership)
    language = article.language or files.site.language
    named = {
        f"feeds/{feed.name}": Membership(f"feeds/{feed.name}")
        for feed in files.feeds.values()
        if _is_in(feed, article, language, frozenset(by_path))
    }
    found = (by_path | named).values()
    return tuple(membership._replace(language=language) for membership in found)


def _topics(article: Article, files: SiteConfig) -> Iterator[Membership]:
    ancestors: list[str] = []
    for name in article.topics:
        path = files.aliases.get(topic_path(name), topic_path(name))
        topic = files.topics.get(path.removeprefix("topics/"))
        if topic is None or not topic.retired:
            yield Membership(path, name)
        while topic is not None and topic.parent is not None:
            topic = files.topics[topic.parent]
            if not topic.retired:
                ancestors.append(topic_path(topic.slug))
    yield from map(Membership, ancestors)


def _provider(article: Article, files: SiteConfig) -> Iterator[Membership]:
    provider = article.provider
    # Such a file is rejected, but an older index may still hold and serve its article.
    if is_file_name(provider.domain):
        return
    path = provider_path(provider.domain)
    domain = files.aliases.get(path, path).removeprefix("providers/")
    known = files.providers.get(domain)
    if known is None or not known.retired:
        yield Membership(provider_path(domain), provider.name)
        yield Membership(name_path(domain, provider.name), provider.name)


def _is_in(feed: NamedFeed, article: Article, language: str, paths: frozenset[str]) -> bool:
    return (
        (feed.quality is None or article.quality >= feed.quality)
        and (not feed.types or article.type in feed.types)
        and (feed.any == Choice() or any(_matches(feed.any, article, language, paths)))
        and all(_matches(feed.all, article, language, paths))
        and not any(_matches(feed.none, article, language, paths))
    )


def _matches(
    choice: Choice, article: Article, language: str, paths: frozenset[str]
) -> Iterator[bool]:
    yield from (path in paths for path in choice.topics | choice.providers)
    yield from (type == article.type for type in choice.types)
    # RFC 4647, 3.3.1: a range matches a tag that equals it or begins with it and a hyphen.
    tag = f"{language.lower()}-"
    yield from (tag.startswith(f"{range}-") for range in choice.languages)
