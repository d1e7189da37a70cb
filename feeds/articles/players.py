"""Turns players and frames of a body, which readers do not run, into links to what they play."""

import re
from collections.abc import Iterator
from html import escape

from selectolax.lexbor import LexborNode

from feeds.articles.body_addresses import Attributes, Page, late_addresses
from feeds.articles.body_images import is_counter, is_hidden
from feeds.articles.html_tags import FRAME, NO_SCRIPT
from feeds.articles.text import MAX_TITLE, clean
from feeds.plain_text import shorten

_YOUTUBE = re.compile(
    r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/(?:embed|v)/"
    # These take the place of a video and have as many characters.
    r"(?!(?:videoseries|live_stream|playlist)\b)([\w-]{11})(?=[/?&#]|$)(.*)"
)
_PARAMETER = re.compile(r"[?&](start|t|list)=([\w-]+)")

_NAMES = {FRAME: "a frame", "video": "a video", "audio": "a sound"}
_FLOW = frozenset(
    ("body", "div", "section", "article", "aside", "header", "footer", "main", "blockquote")
) | {"figure", "details", "li", "dd", "td", "th", NO_SCRIPT}
#: The fallback content of a player is kept if it has one of these, and so more than words.
_WORTH_KEEPING = f"img, a[href], {FRAME}, video, audio, object, embed, table, pre, ul, ol"


def link_player(node: LexborNode, page: Page) -> bool:
    """Put a link with the poster before a player; return True if the player is to be removed."""
    attributes = node.attributes
    url = next(filter(None, map(page.address, _addresses(node, attributes))), None)
    if is_hidden(attributes) or (url and is_counter(url)):
        return True
    has_more = node.first_child is not None and any(
        found.mem_id != node.mem_id for found in node.css(_WORTH_KEEPING)
    )
    if url and not (node.tag == "object" and has_more):
        _insert_link(node, attributes, url, page)
    elif not has_more:
        page.lost(
            attributes, f"{_NAMES.get(node.tag or '', 'a player')} without an http(s) address"
        )
    if has_more:
        node.unwrap()
    return not has_more


def watch_address(url: str) -> str:
    """Return the address of the page for a video of YouTube, with its time and list."""
    video = _YOUTUBE.fullmatch(url)
    if video is None:
        return url
    found = dict(_PARAMETER.findall(video[2]))
    time = found.get("start", found.get("t", ""))
    following = f"&list={found['list']}" if "list" in found else ""
    return f"https://www.youtube.com/watch?v={video[1]}{following}" + (f"&t={time}" if time else "")


def _addresses(node: LexborNode, attributes: Attributes) -> Iterator[str | None]:
    yield from late_addresses(attributes)
    yield attributes.get("src")
    yield attributes.get("data") if node.tag == "object" else None
    if node.first_child is not None:
        for source in node.css("source"):
            yield source.attributes.get("src")
            yield from late_addresses(source.attributes)
        for movie in node.css("param[name=movie], param[name=src]"):
            yield movie.attributes.get("value")


def _insert_link(node: LexborNode, attributes: Attributes, url: str, page: Page) -> None:
    url = watch_address(url)
    title = attributes.get("title") or attributes.get("aria-label") or ""
    label = clean(title) or url.partition("://")[2].removeprefix("www.")
    poster = page.image(attributes.get("poster"))
    image = f'<img src="{escape(poster)}" alt=""> ' if poster else ""
    inside = _ancestors(node)
    content = f"{image}{escape(shorten(label, MAX_TITLE))}"
    if "a" not in inside:
        content = f'<a href="{escape(url)}">{content}</a>'
    holder = node.parser.create_node("p" if inside[0] in _FLOW else "span")
    holder.inner_html = content
    node.insert_before(holder)
    if holder.tag == "span" and node.prev is not None:
        node.prev.unwrap()


def _ancestors(node: LexborNode) -> list[str]:
    found: list[str] = []
    parent = node.parent
    while parent is not None and parent.tag:
        found.append(parent.tag)
        parent = parent.parent
    return found
