"""The target that a path names, and the label of a target in the metrics."""

from feeds.urls import PathTarget, Target, decoded, read, read_feed
from feeds.web.embed import Box
from feeds.web.site_routes import LISTS


def target_of(path: str) -> Target | PathTarget | Box:
    """Return the target of a path as WSGI passes it; its document need not exist.

    It is equal to the target that the route of the path passes to the publisher.
    """
    slash, name = path[:1], decoded(path[1:])
    # Flask redirects a path without a slash in front.
    if slash != "/" or name.endswith(".opml"):
        return PathTarget(f"{slash}{name}")
    if name.startswith("embed/") and (feed := read_feed(name.removeprefix("embed/"))):
        return Box(feed)
    return read(name) or PathTarget(f"/{name}")


#: Pages with a form, whose query is what people chose in it.
_FORMS = (PathTarget("/embed"), PathTarget("/mix"))


def reads_query(target: Target | PathTarget | Box) -> bool:
    """Return True if the query of a request may select another document than the target's."""
    is_page = isinstance(target, Target) and target.format is None
    return is_page or isinstance(target, Box) or target in _FORMS


def kind(target: Target | PathTarget | Box) -> str:
    """Return the label of a target: one of a closed set, never the address itself.

    One of ``all``, ``topics``, ``providers``, ``names``, ``feeds``, ``mix``, ``search``, ``pages``,
    ``lists``, ``embeds`` and ``other``. An archive has the label of its feed.
    """
    match target:
        case Target(feed, format):
            first, *names = feed.path.split("/")
            return "pages" if format is None else "names" if len(names) > 1 else first
        case PathTarget(path):
            if path[1:] in LISTS or path.endswith(".opml"):
                return "lists"
            return "embeds" if path[1:].split("/")[0] in ("embed", "oembed") else "other"
        case Box():
            return "embeds"
