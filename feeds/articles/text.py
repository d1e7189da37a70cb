"""Cleans untrusted text for display and for XML.

All functions take linear time.
"""

import re
import unicodedata
from html import unescape

import ftfy

from feeds.articles.html_tags import only_elements
from feeds.plain_text import closed_directions, html_text

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


def clean(text: str) -> str:
    """Return one line of plain text: no markup, only characters of XML, white space folded.

    The text is parsed as HTML, once: tags are removed and entities decoded. So ``<b>new</b>``
    becomes ``new``, ``Use &lt;b&gt;`` becomes ``Use <b>``, and ``a < b`` or ``Vec<u8>``, which are
    no elements of HTML, stay. Only quotes and spaces are decoded twice. Mojibake is repaired last,
    since entities may contain it.
    """
    text = text[:MAX_TEXT]
    # Most texts are clean: this check takes a third of the time of the patterns below.
    if text.isascii() and text.isprintable() and "<" not in text and "&" not in text:
        return " ".join(text.split())
    if "<" in text:
        # Surrogates cannot be encoded, and the parser reads bytes.
        text = html_text(only_elements(text.encode("utf-8", "ignore").decode()))
    elif "&" in text:
        text = unescape(_HUGE_REFERENCE.sub("\ufffd", text))
    if "&" in text:
        text = _ESCAPED_TWICE.sub(lambda found: unescape(found[0]), text)
    if not text.isascii():
        text = repair(text)
    return closed_directions(" ".join(UNCLEAN.sub(_separator, text).split()))


def repair(text: str) -> str:
    """Return a text without mojibake: text decoded with the wrong encoding is decoded again."""
    # Surrogates cannot be encoded. C1 controls stay: they may be bytes of the intended text.
    return ftfy.fix_encoding(text.encode("utf-8", "ignore").decode())


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


def _separator(found: re.Match[str]) -> str:
    return " " if found[0].isspace() else ""
