"""Plain text: the text of HTML without its markup, and a long text cut to fit."""

import re
from collections.abc import Collection, Iterator
from itertools import islice
from threading import local

import regex
from selectolax.lexbor import LexborHTMLParser, LexborNode

#: Inline elements, which do not separate words: ``<b>b</b>old`` is one word.
INLINE = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd"),
        *("mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup"),
        *("time", "u", "var", "wbr"),
    )
)
#: Elements that are inline in HTML but have no place in a feed, and what the parser calls text.
_NO_GAP = INLINE | {"font", "big", "tt", "strike", "nobr", "acronym", "img", "body"}
_NO_GAP |= {"math", "mi", "mn", "mo", "mrow", "msub", "msup", "mtext"}
_NO_TEXT = frozenset(("script", "style", "template", "-comment"))
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))

#: Pieces of one text: a body has at most 10,000 tags, but its parser repeats unclosed elements.
_MAX_PIECES = 50_000

#: Characters that one document parses; it keeps twelve bytes for each.
_MAX_PARSED = 500_000

#: The part of a limit that a cut at a sentence or a word has to fill.
_FILLED = 0.6
# A sentence ends before a space and no small letter, after a word of three letters ("e.g. Smith" is
# one), and in Chinese and Japanese anywhere.
_SENTENCE_END = re.compile(
    r"""(?:[^\W\d_]{3}|[\d)\]"'”’»])[.!?…‽؟۔।]+["'”’»)\]]*(?=\s)(?!\s+[a-z])|[。！？]+[」』）”’]*"""
)
_LOOSE_ENDS = " ,;:.-–—…、，；："

_OPENERS = {"\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"} | dict.fromkeys(
    "\u202a\u202b\u202d\u202e", "\u202c"
)
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")


class HtmlParser(local):
    """A parser of HTML fragments, one a thread.

    One document is filled again and again: to make one and its parser of selectors takes ten times
    as long as to parse a short text. It frees no memory, so it is replaced after some time.
    """

    def __init__(self) -> None:
        """Begin without a document."""
        self._parsed = _MAX_PARSED
        self._document = LexborHTMLParser("")

    def parse(self, html: str) -> LexborNode:
        """Return the body with the fragment; the next call invalidates all of its nodes."""
        self._parsed += len(html)
        if self._parsed > _MAX_PARSED:
            self._parsed = len(html)
            self._document = LexborHTMLParser("<body>")
        body = self._document.body
        assert body is not None
        body.inner_html = html
        return body


def html_text(html: str, without: Collection[str] = ()) -> str:
    """Return the text of HTML with a space at the boundaries of block elements.

    Elements named in ``without`` are left out. White space stays as it is.
    """
    return "".join(islice(_pieces(_PARSER.parse(html), without), _MAX_PIECES))


def _pieces(body: LexborNode, without: Collection[str]) -> Iterator[str]:
    # On an explicit stack, which deep nesting cannot overflow; the last is the next.
    pending: list[LexborNode | str] = [body]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            yield node
        elif node.tag == "-text":
            yield node.text_content or ""
        elif node.tag not in _NO_TEXT and node.tag not in without:
            before, after = _around(node)
            pending.append(after)
            pending.extend(reversed(list(node.iter(include_text=True))))
            pending.append(before)


def _around(node: LexborNode) -> tuple[str, str]:
    """Return the texts before and after an element."""
    if node.tag == "rt" and (node.prev is None or node.prev.tag != "rp"):
        # The parentheses that a browser without ruby shows, where the author wrote none.
        return "（", "）"
    return ("", "") if node.tag in _NO_GAP else (" ", " ")


_PARSER = HtmlParser()


def shorten(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters.

    A longer one ends after a sentence, else with ``…`` after a word or, in a text without spaces,
    after what people see as one character.
    """
    if len(text) <= limit:
        return text
    short = _cut(text, limit)
    closed = closed_directions(short)
    return closed if len(closed) <= limit else _DIRECTIONS.sub("", short)


def _cut(text: str, limit: int) -> str:
    least = int(limit * _FILLED)
    ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, limit + 2)]
    if fitting := [end for end in ends if least <= end <= limit]:
        return text[: fitting[-1]]
    end = text.rfind(" ", least, limit)
    if end < 0:
        end = _character_end(text, limit - 1)
    return text[:end].rstrip(_LOOSE_ENDS) + "…"


def _character_end(text: str, limit: int) -> int:
    """Return the end of the last whole grapheme cluster within a limit."""
    end = 0
    # A cluster that begins within the limit may be as long as its author likes.
    for found in regex.finditer(r"\X", text[: limit + 50]):
        if found.end() > limit:
            break
        end = found.end()
    return end or limit


def closed_directions(text: str) -> str:
    """Return a text whose changes of direction (U+202E and the like) end with it."""
    if text.isascii():
        return text
    opened: list[str] = []
    for found in _DIRECTIONS.finditer(text):
        if closer := _OPENERS.get(found[0]):
            opened.append(closer)
        elif opened and opened[-1] == found[0]:
            opened.pop()
    return text + "".join(reversed(opened))
