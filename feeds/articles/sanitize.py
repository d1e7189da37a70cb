"""Renders untrusted Markdown and HTML as HTML that is safe for browsers and readers.

Tags are counted before a parser sees them. On its tree, what readers would not show becomes what
they do: links, images with one address, text. Finally nh3 removes what may not leave.
"""

import re
from collections.abc import Callable

import nh3
from selectolax.lexbor import LexborNode

from feeds.articles.body_addresses import Page
from feeds.articles.body_images import remove_lead, show_image
from feeds.articles.html_tags import FRAME, Tidier, reject_if
from feeds.articles.markdown import LINE, to_html
from feeds.articles.players import link_player
from feeds.articles.text import UNCLEAN, repair
from feeds.plain_text import HEADINGS, INLINE, HtmlParser

MAX_HTML = 300_000

# Two characters that may be two bytes of one: a long text without such a pair has no mojibake.
_SUSPECT = re.compile("[\x80-\xff\u0152-\u2122]{2}")
_ALIGN = re.compile(r"(?:^|[;\s])text-align\s*:\s*(left|right|center)")
# A paragraph in which something was removed, as nh3 writes it.
_EMPTY = re.compile(r"""<p(?: [a-z]+="[^"]*")*></p>""")
_LINE = re.compile(rf'{LINE}="([0-9]+)"')

#: All elements that may leave besides the inline ones and headings.
_BLOCK = """
address article aside blockquote br caption col colgroup dd details div dl dt figcaption figure
footer header hr img li main ol p pre section summary table tbody td tfoot th thead tr ul
"""
_CLEANER = nh3.Cleaner(
    tags={*INLINE, *HEADINGS, *_BLOCK.split()},
    clean_content_tags={"script", "style", "template", "select", "datalist", "title"},
    attributes={
        "*": {"dir", "lang"},
        "a": {"href", "title"},
        "abbr": {"title"},
        "img": {"src", "alt", "title", "width", "height"},
        "li": {"value"},
        "ol": {"reversed", "start", "type"},
        "td": {"align", "colspan", "rowspan"},
        "th": {"align", "colspan", "rowspan"},
        "time": {"datetime"},
    },
    link_rel=None,
    url_schemes={"http", "https"},
    url_relative="deny",
)


_PARSER = HtmlParser()


def render_body(markdown: str, line: int, page: Page) -> str:
    """Return a Markdown body, which may contain HTML and begins on a line, as sanitised HTML.

    Raise ArticleError for one that would take too long.
    """
    if not markdown.isascii() and _SUSPECT.search(markdown):
        markdown = repair(markdown)
    return sanitise(to_html(markdown, line), page).strip()


def sanitise(html: str, page: Page) -> str:
    """Return safe HTML with absolute http(s) addresses.

    Unusable links lose their address. Frames and players become links. What is removed and would be
    missed is noted to the page.
    """
    reject_if(len(html) > MAX_HTML, f"over {MAX_HTML} characters of HTML")

    def lose(name: str, attributes: str) -> None:
        if name == "svg" or (name == "script" and "src" in attributes):
            line = _LINE.search(attributes)
            page.note(line[1] if line else "", "a drawing (svg)" if name == "svg" else "a script")

    tidy = Tidier(lose).tidy(UNCLEAN.sub("", html))
    written = _CLEANER.clean(_understood(tidy, page)).replace("&nbsp;", "\xa0")
    # Again, since the parser has decoded references such as "&#8;".
    return _EMPTY.sub("", UNCLEAN.sub("", written))


def _understood(html: str, page: Page) -> str:
    body = _PARSER.parse(html)
    removed = [node for node in body.css(_SELECTOR) if _HANDLERS[node.tag or ""](node, page)]
    # Descendants first: removing an element frees them too.
    for node in reversed(removed):
        node.decompose()
    if page.lead:
        remove_lead(body, page.lead)
    return body.inner_html or ""


def _link(node: LexborNode, page: Page) -> bool:
    written = node.attrs
    href = (written["href"] or "").strip()
    # A bare fragment refers to the page of the article, which a reader does not have.
    url = None if href.startswith("#") else page.address(href)
    if url is None:
        del written["href"]
    elif url != href:
        written["href"] = url
    return False


def _show_formula(node: LexborNode, page: Page) -> bool:
    """Insert a formula as text before it: its own text, its source, or its signs."""
    source = node.css_first("annotation")
    text = node.attributes.get("alttext") or (source or node).text(deep=True)
    node.insert_before(" ".join(text.split()))
    return True


def _show_state(node: LexborNode, page: Page) -> bool:
    """Insert a sign before the box of a task."""
    if node.attributes.get("type") == "checkbox":
        node.insert_before("☑" if "checked" in node.attributes else "☐")
    return True


def _align(node: LexborNode, page: Page) -> bool:
    if found := _ALIGN.search(node.attributes.get("style") or ""):
        node.attrs["align"] = found[1]
    return False


#: The action for each element; it returns True if the element is to be removed.
_HANDLERS: dict[str, Callable[[LexborNode, Page], bool]] = {
    "a": _link,
    "img": show_image,
    **dict.fromkeys((FRAME, "video", "audio", "object", "embed"), link_player),
    "math": _show_formula,
    "input": _show_state,
    "td": _align,
    "th": _align,
}
_SELECTOR = f"a[href], img, {FRAME}, video, audio, object, embed, math, input, td[style], th[style]"
