"""Renders untrusted Markdown and HTML as HTML that is safe for browsers and readers.

Expensive input is rejected first: nh3 is quadratic in nesting and Markdown in brackets. nh3 decides
what is safe. Tags are counted before it runs, and addresses normalized after it.
"""

import re
from collections import Counter
from html import escape, unescape

import nh3
from markdown_it import MarkdownIt

from feeds.articles.images import MIN_SIDE
from feeds.articles.links import clean_url
from feeds.articles.text import INLINE, MAX_TITLE, UNCLEAN, clean, markup, repair, shorten
from feeds.errors import ArticleError, Reason

#: Characters of a Markdown body; its HTML has to fit into 100,000 bytes.
MAX_MARKDOWN = 100_000
#: Markdown took 1.4 s for 38,000 lines of lists.
MAX_LINES = 5_000
#: Many rules examine each sign: Markdown took 0.9 s for 48,000 signs of emphasis.
MAX_SIGNS, SIGNS = 10_000, "<>&*_~`!|#\\"
MAX_HTML = 300_000
MAX_TAGS = 10_000
MAX_DEPTH = 100
#: Markdown took 0.7 s for 20,000 brackets, and 0.06 s for these.
MAX_BRACKETS = 2_000
#: Columns times lines: Markdown pads every short row of a table, 65,000 cells in 1.7 s.
MAX_CELLS = 30_000

# Two characters that may be two bytes of one: a long text without such a pair has no mojibake.
_SUSPECT = re.compile("[\x80-\xff\u0152-\u2122]{2}")
_MARKUP = markup(
    "script|style|noscript|template|textarea|title|select|xmp|noembed|noframes|svg|math"
)
_TOKEN = re.compile(f"{_MARKUP.pattern}|<", re.IGNORECASE)

_VOID = {"br", "hr", "img", "wbr", "col"}
_OPTIONAL_END = {"p", "li", "dt", "dd", "thead", "tbody", "tfoot", "tr", "td", "th", "colgroup"}
_BLOCK = {"div", "section", "article", "aside", "header", "footer", "main", "blockquote", "figure"}
_OTHER = {"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "pre", "figcaption", "table"}
#: Replaces iframe, whose content would not be parsed, until it becomes a link.
_FRAME = "x-frame"
_TAGS = {*INLINE, *_VOID, *_OPTIONAL_END, *_BLOCK, *_OTHER, _FRAME}
_TAGS |= {"caption", "details", "summary", "address"}
_FLOW = _BLOCK | {"details", "li", "dd", "td", "th"}

_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={
        "*": {"dir", "lang"},
        "a": {"href", "title"},
        "abbr": {"title"},
        "img": {"src", "alt", "title", "width", "height"},
        "ol": {"start"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan"},
        "time": {"datetime"},
        _FRAME: {"src", "title"},
    },
    link_rel=None,
)
# Without "code": an empty line and a tab turned the rest of real HTML bodies into a listing.
# Authors can mark code by fences.
_MARKDOWN = (
    MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).disable("code")
)

# A tag as nh3 writes it: every attribute in double quotes, without "<" or quotes in its value.
_WRITTEN = re.compile(r'<(/?)([a-z][a-z0-9-]*)((?: [a-z]+="[^"]*")*)>')
_WRITTEN_ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
_HIDDEN = re.compile(
    r"""display\s*:\s*none|\b(?:width|height)\s*:\s*(?:[0-9]|1[0-5])(?:px)?\s*(?:[;"'!]|$)""",
    re.IGNORECASE,
)
_PIXELS = re.compile(r"\s*([0-9]{1,5})(?:\.[0-9]*)?\s*(?:px)?\s*")
_COUNTER = re.compile(
    r"https?://(?:pixel\.|beacon\.|b\.scorecardresearch\.com/|(?:www\.)?google-analytics\.com/"
    r"|(?:[a-z0-9.-]+\.)?doubleclick\.net/|www\.facebook\.com/tr\b|feeds\.feedburner\.com/~)"
)
_YOUTUBE = re.compile(
    r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/embed/(?!videoseries)([\w-]{6,20})(?:[/?#].*)?"
)


def render_body(markdown: str, base: str) -> str:
    """Return a Markdown body, which may contain HTML, as sanitised HTML."""
    _reject_if(len(markdown) > MAX_MARKDOWN, f"the body is over {MAX_MARKDOWN} characters")
    _reject_if(markdown.count("[") > MAX_BRACKETS, f"the body has over {MAX_BRACKETS} brackets")
    signs = max(map(markdown.count, SIGNS))
    _reject_if(signs > MAX_SIGNS, f"the body has one of {SIGNS} over {MAX_SIGNS} times")
    if not markdown.strip():
        return ""
    lines = markdown.split("\n")
    _reject_if(len(lines) > MAX_LINES, f"the body has over {MAX_LINES} lines")
    cells = max(line.count("|") for line in lines) * len(lines)
    _reject_if(cells > MAX_CELLS, f"tables of the body may have over {MAX_CELLS} cells")
    if _SUSPECT.search(markdown):
        markdown = repair(markdown)
    return sanitise(_MARKDOWN.render(markdown), base).strip()


def sanitise(html: str, base: str) -> str:
    """Return safe HTML with absolute http(s) addresses, resolved against ``base``.

    Unusable links lose their address, unusable images are removed, and an iframe becomes a link to
    its source.
    """
    _reject_if(len(html) > MAX_HTML, f"over {MAX_HTML} characters of HTML")
    tidy = _TOKEN.sub(_Tidier().tag, UNCLEAN.sub("", html))
    written = _CLEANER.clean(tidy).replace("&nbsp;", "\xa0")
    # Again, since nh3 has decoded references such as "&#8;".
    return UNCLEAN.sub("", _WRITTEN.sub(_Linker(base).tag, written))


class _Tidier:
    """Removes all tags that are not allowed, and counts the rest before a parser sees them."""

    def __init__(self) -> None:
        self.tags = 0
        self.open: Counter[str] = Counter()

    def tag(self, found: re.Match[str]) -> str:
        name = (found["name"] or "").lower()
        name = _FRAME if name == "iframe" else name
        if name not in _TAGS:
            return "&lt;" if found[0] == "<" else ""
        if name == "img" and _HIDDEN.search(found["attributes"]):
            return ""
        self._count(name, bool(found["slash"]))
        return f"<{found['slash']}{name}{found['attributes']}>"

    def _count(self, name: str, closing: bool) -> None:
        self.tags += 1
        _reject_if(self.tags > MAX_TAGS, f"over {MAX_TAGS} tags")
        if name in _VOID or name in _OPTIONAL_END:
            return
        self.open[name] = max(0, self.open[name] + (-1 if closing else 1))
        _reject_if(self.open.total() > MAX_DEPTH, f"tags nested deeper than {MAX_DEPTH}")


class _Linker:
    """Rewrites links, images and iframes in the HTML that nh3 has written."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.open: list[str] = []

    def tag(self, found: re.Match[str]) -> str:
        closing, name, written = found.groups()
        if name == "img":
            return _image(_attributes(written), self.base)
        if closing:
            del self.open[-1:]
            return "" if name == _FRAME else found[0]
        inside = self.open.copy() if name == _FRAME else []
        if name not in _VOID:
            self.open.append(name)
        if name == _FRAME:
            return _frame(_attributes(written), self.base, inside)
        return _anchor(_attributes(written), self.base) if name == "a" else found[0]


def _attributes(written: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in _WRITTEN_ATTRIBUTE.findall(written)}


def _tag(name: str, attributes: dict[str, str]) -> str:
    return "".join((f"<{name}", *(f' {k}="{_quoted(v)}"' for k, v in attributes.items()), ">"))


def _quoted(value: str) -> str:
    # As everywhere in the feeds, an apostrophe stays, so that equal addresses have equal bytes.
    return escape(value, quote=False).replace('"', "&quot;")


def _anchor(attributes: dict[str, str], base: str) -> str:
    href = attributes.pop("href", "").strip()
    # A bare fragment refers to the page of the article, which a reader does not have.
    url = None if href.startswith("#") else clean_url(href, base)
    return _tag("a", {"href": url, **attributes} if url else attributes)


def _image(attributes: dict[str, str], base: str) -> str:
    url = clean_url(attributes.pop("src", ""), base)
    sizes = {
        side: int(found[1])
        for side in ("width", "height")
        if (found := _PIXELS.fullmatch(attributes.pop(side, "")))
    }
    if url is None or _COUNTER.match(url) or min(sizes.values(), default=99) < MIN_SIDE:
        return ""
    written = {side: str(pixels) for side, pixels in sizes.items()}
    return _tag("img", {"src": url, "alt": "", **attributes, **written})


def _frame(attributes: dict[str, str], base: str, inside: list[str]) -> str:
    url = clean_url(attributes.get("src", ""), base)
    if url is None or "a" in inside:
        return ""
    if video := _YOUTUBE.fullmatch(url):
        url = f"https://www.youtube.com/watch?v={video[1]}"
    label = clean(attributes.get("title", "")) or url.partition("://")[2].removeprefix("www.")
    link = f"{_tag('a', {'href': url})}{escape(shorten(label, MAX_TITLE))}</a>"
    return f"<p>{link}</p>" if not inside or inside[-1] in _FLOW else link


def _reject_if(is_excessive: bool, message: str) -> None:
    if is_excessive:
        raise ArticleError(Reason.TOO_COMPLEX, f"{message}: shorten or simplify it")
