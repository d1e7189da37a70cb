"""Cleans untrusted text for display and for XML.

All functions take linear time: no pattern reads past the next ``<`` twice.
"""

import re
import unicodedata
from html import unescape

import ftfy

MAX_TITLE, MAX_EXCERPT = 150, 500
#: Characters of a text before cleaning; the rest is cut off, since at most 500 remain.
MAX_TEXT = 10_000

#: Characters that are removed from every text: all but Char of XML 1.0 (2.2), the control
#: characters that it discourages, and "\r", which every XML parser reads as a line feed.
UNCLEAN = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# int() raises on more than 4,300 digits, and html.unescape calls it.
_HUGE_REFERENCE = re.compile("&#[0-9]{10,};?")
# Escaped twice, as in 1 of 80 real excerpts. Unlike "&lt;", these never occur literally.
_ESCAPED_TWICE = re.compile("&(?:quot|apos|nbsp|#39|#34|#x27|#x22);", re.IGNORECASE)

# No group repeats possessively, as in "(?:a|b)*+": CPython before 3.11.5, which Debian 12 has, then
# fails where it should match, and the text of scripts stayed in titles.
# As in HTML, a quote has a meaning only after "=". The number is bounded because a quoted "<a" is
# tried as a tag again: 80 parts for each keep the time linear.
_ATTRIBUTE = r"""[^\s"'<>/=]++(?>(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s"'<>]++))?)"""
_ATTRIBUTES = rf"(?>(?:[\s/]++|{_ATTRIBUTE}){{0,80}})"
_NAME = r"[a-z][a-z0-9]*+(?>(?:[:-][a-z0-9]++)*)(?=[\s/>])"
_COMMENT = r"<!--(?s:.)*?(?:-->|\Z)|<[!?][^<>]*+>"
# The content of such an element is removed too; without an end tag, to the end, as in browsers.
_SKIPPED = (
    rf"<(?P<skipped>{{}})(?=[\s/>]){_ATTRIBUTES.replace('{', '{{').replace('}', '}}')}>"
    r"(?s:.)*?(?:</(?P=skipped)(?=[\s/>])[^<>]*+>|\Z)"
)
_TAG = rf"<(?P<slash>/?)(?P<name>{_NAME})(?P<attributes>{_ATTRIBUTES})>|</?{_NAME}[^<>]*+>"


def markup(skipped: str) -> re.Pattern[str]:
    """Return a pattern of a comment, a tag, or an element of ``skipped`` with its content.

    It does not match what is no tag in HTML (``a < b``, ``<3``, ``<jane@example.org>``).
    """
    return re.compile(f"{_COMMENT}|{_SKIPPED.format(skipped)}|{_TAG}", re.IGNORECASE)


#: Inline elements, which do not separate words: ``<b>b</b>old`` is one word.
INLINE = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd"),
        *("mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup"),
        *("time", "u", "var"),
    )
)
_MARKUP = markup("script|style")


def clean(text: str) -> str:
    """Return one line of plain text: no markup, only characters of XML, white space folded.

    The text is parsed as HTML, once: tags are removed, then entities decoded. So ``<b>new</b>``
    becomes ``new``, ``Use &lt;b&gt;`` becomes ``Use <b>``, and ``a < b`` or ``5 <3``, which no
    browser parses as a tag, stay. Only quotes and spaces are decoded twice. Mojibake is repaired
    last, since entities may contain it.
    """
    text = text[:MAX_TEXT]
    # Most texts are clean: this check takes a third of the time of the patterns below.
    if text.isascii() and text.isprintable() and "<" not in text and "&" not in text:
        return " ".join(text.split())
    if "<" in text:
        text = _MARKUP.sub(_space, text)
    if "&" in text:
        text = unescape(_HUGE_REFERENCE.sub("\ufffd", text))
        text = _ESCAPED_TWICE.sub(lambda found: unescape(found[0]), text)
    if not text.isascii():
        text = repair(text)
    return " ".join(UNCLEAN.sub(_separator, text).split())


def repair(text: str) -> str:
    """Return a text without mojibake: text decoded with the wrong encoding is decoded again."""
    # Surrogates cannot be encoded. C1 controls stay: they may be bytes of the intended text.
    return ftfy.fix_encoding(text.encode("utf-8", "ignore").decode())


def shorten(text: str, limit: int) -> str:
    """Return a text; one over the limit is cut between words and ends with ``…``."""
    if len(text) <= limit:
        return text
    head, space, _ = text[:limit].rpartition(" ")
    # A text without spaces (Japanese, an address) is cut anywhere rather than lost.
    if not space or len(head) < limit // 2:
        head = text[: limit - 1]
    return head.rstrip(" ,;:.-–—…") + "…"


def bare(key: str) -> str:
    """Return a key without letter case, spaces and the invisible characters of pasted text."""
    # Most keys are ASCII: this takes a seventh of the time.
    if key.isascii() and key.isprintable():
        return key.lower().replace(" ", "")
    # A draft was once served because of a no-break space before its colon, which some keyboards
    # insert.
    folded = unicodedata.normalize("NFKC", key).casefold()
    return "".join(c for c in folded if c.isprintable() and c != " ")


def is_blank(text: str) -> bool:
    """Return True if a text is invisible: only spaces, direction marks and the like."""
    if text.isprintable():
        return not text.strip(" ")
    return not any(character.isprintable() and character != " " for character in text)


def _space(found: re.Match[str]) -> str:
    return "" if (found["name"] or "").lower() in INLINE else " "


def _separator(found: re.Match[str]) -> str:
    return " " if found[0].isspace() else ""
