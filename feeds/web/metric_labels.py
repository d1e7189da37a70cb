"""The label of a target in the metrics."""

from feeds.urls import PathTarget, Target
from feeds.web.embed import Box
from feeds.web.site_routes import LISTS


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
