"""Separates the tags of HTML from other text between angle brackets, before a parser sees them.

A parser takes every ``<name …>`` for an element: the type in ``Vec<u8>`` and half of ``if x<y and
y>z`` would be gone. All patterns take linear time: none reads past the next ``<`` twice.
"""

import re
from collections import Counter
from collections.abc import Callable
from html import escape

from feeds.errors import ArticleError, Reason

MAX_TAGS = 10_000
MAX_DEPTH = 100
#: A parser repeats each unclosed ``<b>`` in the next paragraph, and took 1.6 s for 99 of them in
#: 9,000 paragraphs: the number of tags, each times such elements that are open.
MAX_REPEATED = 100_000

# No group repeats possessively, as in "(?:a|b)*+": CPython before 3.11.5, which Debian 12 has, then
# fails where it should match, and the text of scripts stayed in titles.
# As in HTML, a quote has a meaning only after "=". The number is bounded because a quoted "<a" is
# tried as a tag again: 80 parts for each keep the time linear.
_ATTRIBUTE = r"""[^\s"'<>/=]++(?>(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s"'<>]++))?)"""
_ATTRIBUTES = rf"(?>(?:[\s/]++|{_ATTRIBUTE}){{0,80}})"
_NAME = r"[a-z][a-z0-9]*+(?>(?:[:-][a-z0-9]++)*)(?=[\s/>])"
_COMMENT = r"<!--(?s:.)*?(?:-->|\Z)|<[!?][^<>]*+>"
# Their content is text, not elements; without an end tag, to the end, as in browsers.
_RAW = (
    rf"<(?P<raw>script|style|textarea|title|xmp|noembed|noframes|svg)(?=[\s/>])"
    rf"(?P<raw_attributes>{_ATTRIBUTES})>"
    r"(?P<content>(?s:.)*?)(?:</(?P=raw)(?=[\s/>])[^<>]*+>|\Z)"
)
_TAG = (
    rf"<(?P<slash>/?)(?P<name>{_NAME})(?P<attributes>{_ATTRIBUTES})>"
    rf"|<(?P<bad_slash>/?)(?P<bad>{_NAME})(?P<good>{_ATTRIBUTES})[^<>]*+>"
)
# A frame is closed at once: authors forget its end tag, and its content only excuses old browsers.
_FRAME = rf"<iframe(?=[\s/>])(?P<frame>{_ATTRIBUTES})>(?:[^<>]*+</iframe\s*+>)?"

# Tags that need no rewriting: the most frequent ones, as Markdown writes them.
_PLAIN = (
    r"/?(?:a|b|blockquote|code|div|em|figcaption|figure|h[1-6]|i|li|ol|p|pre|span|strong|sup|table"
    r"|tbody|td|th|thead|tr|u|ul)(?: [a-z-]+=\"[^\"<>]*+\")*>"
    r"|(?:br|hr|img)(?: [a-z-]+=\"[^\"<>]*+\")* ?/?>"
)
_ODD = re.compile(f"<(?!{_PLAIN})")

_TOKEN = re.compile(f"{_COMMENT}|{_RAW}|{_FRAME}|{_TAG}|<", re.IGNORECASE)
_TEXT_TOKEN = re.compile(f"(?P<code>`[^`]*+`)|{_COMMENT}|{_TAG}|<", re.IGNORECASE)
_LAST_SLASH = re.compile(r"""(?:^|[\s"'])[^\s"'=]*/\Z""")

VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source")
) | {"track", "wbr"}
_OPTIONAL_END = {"p", "li", "dt", "dd", "thead", "tbody", "tfoot", "tr", "td", "th", "colgroup"}
_OPTIONAL_END |= {"option", "optgroup", "rt", "rp"}
_REPEATED = {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strong", "u"}
#: Replace iframe and noscript, whose content a parser would take for text.
FRAME, NO_SCRIPT = "x-frame", "x-noscript"
#: Elements of HTML's past that people still write, and what replaces them.
_TODAY = {
    "acronym": "abbr",
    "noscript": NO_SCRIPT,
    "strike": "s",
    "tt": "code",
    **dict.fromkeys(("dir", "menu"), "ul"),
    **dict.fromkeys(("listing", "plaintext", "textarea", "xmp"), "pre"),
    **dict.fromkeys(("center", "fieldset", "hgroup", "nav", "search", "form", "dialog"), "div"),
}
#: All names of HTML and MathML, except those that no browser supports or no page uses.
_ELEMENTS = """
a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption
cite code col colgroup data datalist dd del details dfn div dl dt em embed figcaption figure
footer h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link
main map mark meta meter noscript object ol optgroup option output p param picture pre progress
q rp rt ruby s samp script section select small source span strong style sub summary sup svg
table tbody td template tfoot th thead time title tr track u ul var video wbr
applet basefont big blink font frame frameset marquee nobr noembed noframes rb rtc
math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle merror mpadded mphantom msub msup
msubsup munder mover munderover mmultiscripts mprescripts mtable mtr mtd maction menclose
mfenced semantics annotation
"""
_KNOWN = frozenset(_ELEMENTS.split()).union(_TODAY)
_BOOLEAN = """
allowfullscreen alt async autoplay checked compact controls default defer disabled download
hidden inert ismap itemscope loop multiple muted noshade nowrap open playsinline readonly
required reversed selected
"""
_ALONE = frozenset(_BOOLEAN.split())


def only_elements(text: str) -> str:
    """Return a text in which every ``<`` that begins no tag of HTML is escaped.

    Code between backticks is text too. Comments are removed.
    """
    return _TEXT_TOKEN.sub(_text_token, text)


def _text_token(found: re.Match[str]) -> str:
    name = found["name"] or found["bad"]
    if name and not _is_prose(name.lower(), found["attributes"] or ""):
        return found[0]
    is_text = name or found["code"] or found[0] == "<"
    return found[0].replace("<", "&lt;") if is_text else ""


def _is_prose(name: str, attributes: str) -> bool:
    """Return True if what looks like a tag is text: no element, or words instead of attributes."""
    if name not in _KNOWN:
        # Custom elements have a hyphen in their names, and those of Word a colon.
        return name.isalnum()
    if not attributes or "=" in attributes:
        return False
    words = attributes.strip(" \t\n/").lower().split()
    return any(word not in _ALONE and "-" not in word for word in words)


class Tidier:
    """Rewrites HTML so that a parser sees only well-formed tags of HTML, and not too many."""

    def __init__(self, lose: Callable[[str, str], None]) -> None:
        """Take a receiver for the name and attributes of each element that is removed."""
        self.lose = lose
        self.tags = self.depth = self.repeatable = self.repeated = 0
        self.open: Counter[str] = Counter()

    def tidy(self, html: str) -> str:
        """Return the HTML; raise ArticleError if it has too many tags, or nests them too deeply."""
        # Few tags cannot be too many, nor nested too deeply.
        if html.count("<") < MAX_DEPTH and not _ODD.search(html):
            return html
        return _TOKEN.sub(self._token, html)

    def _token(self, found: re.Match[str]) -> str:
        kind = found.lastgroup
        if kind == "attributes":
            return self._tag(found[0], found["slash"], found["name"].lower(), found["attributes"])
        if kind == "good":
            # Only as far as it is well-formed: the parser might see another end of the tag.
            return self._tag(found[0], found["bad_slash"], found["bad"].lower(), found["good"])
        if kind == "content":
            return self._raw(found["raw"].lower(), found["raw_attributes"], found["content"])
        if kind == "frame":
            self._count(FRAME, False)
            self._count(FRAME, True)
            return f"<{FRAME}{found['frame'].rstrip('/')}></{FRAME}>"
        return "&lt;" if found[0] == "<" else ""

    def _raw(self, name: str, attributes: str, content: str) -> str:
        if name in ("textarea", "xmp"):
            return f"<pre>{escape(content, quote=False)}</pre>"
        self.lose(name, attributes)
        return ""

    def _tag(self, whole: str, slash: str, name: str, attributes: str) -> str:
        if _is_prose(name, attributes):
            return whole.replace("<", "&lt;")
        if name == "iframe":
            return ""
        name = _TODAY.get(name, name)
        self._count(name, bool(slash))
        if slash:
            return f"</{name}>"
        # XML's way to close an element, which HTML ignores.
        if attributes.endswith("/") and name not in VOID and _LAST_SLASH.search(attributes):
            self._count(name, True)
            return f"<{name}{attributes.removesuffix('/')}></{name}>"
        return f"<{name}{attributes}>"

    def _count(self, name: str, is_end: bool) -> None:
        self.tags += 1
        reject_if(self.tags > MAX_TAGS, f"over {MAX_TAGS} tags")
        self.repeated += self.repeatable
        reject_if(self.repeated > MAX_REPEATED, "too many tags in elements that are not closed")
        if name in VOID or name in _OPTIONAL_END or (is_end and not self.open[name]):
            return
        step = -1 if is_end else 1
        self.open[name] += step
        self.depth += step
        self.repeatable += step if name in _REPEATED else 0
        reject_if(self.depth > MAX_DEPTH, f"tags nested deeper than {MAX_DEPTH}")


def reject_if(is_excessive: bool, message: str) -> None:
    """Raise ArticleError for input that would take too long."""
    if is_excessive:
        raise ArticleError(Reason.TOO_COMPLEX, f"{message}: shorten or simplify it")
