"""What kind of thing an address names, for counting: a closed set, never the address itself."""

from feeds.urls import read
from feeds.web.site_routes import LISTS


def kind(path: str) -> str:
    """``all``, ``topics``, ``providers``, ``names``, ``feeds``; ``pages``, ``lists``, ``embeds``.

    Anything else is ``other``. The path has its slash in front; whether something is there has no
    say. An archive is of the kind of its feed.
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
