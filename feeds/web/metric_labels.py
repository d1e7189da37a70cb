"""Labels of addresses for the metrics: a closed set, never the address itself."""

from feeds.urls import read
from feeds.web.site_routes import LISTS


def kind(path: str) -> str:
    """Return the label of a path, which begins with a slash; the document need not exist.

    One of ``all``, ``topics``, ``providers``, ``names``, ``feeds``, ``pages``, ``lists``,
    ``embeds`` and ``other``. An archive has the label of its feed.
    """
    name = path.removeprefix("/")
    if name in LISTS or name.endswith(".opml"):
        return "lists"
    if name in ("embed", "oembed") or name.startswith(("embed/", "oembed/")):
        return "embeds"
    target = read(name)
    if target is None:
        return "other"
    if target.format is None:
        return "pages"
    first, *names = target.feed.path.split("/")
    return "names" if len(names) > 1 else first
