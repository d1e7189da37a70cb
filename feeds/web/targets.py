"""The target that a path names, under which the publisher keeps its document."""

from feeds.urls import PathTarget, Target, decoded, read, read_feed
from feeds.web.embed import Box


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
