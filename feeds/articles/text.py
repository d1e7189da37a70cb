"""Text that anybody may have written, made fit for people and for XML.

Everything here is linear in its input: no pattern ever looks past the next ``<`` twice.
"""

import re
import unicodedata
from html import unescape

import ftfy

MAX_TITLE, MAX_EXCERPT = 150, 500
#: Characters of a text before cleaning; the rest is cut off, since no more than 500 are kept.
MAX_TEXT = 10_000

#: What must not be in any text: all that is not Char in XML 1.0 (2.2), the control characters
#: that it discourages, and "\r", which every XML parser reads as a line feed.
UNCLEAN = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# int() raises on more than 4,300 digits, and html.unescape calls it.
_HUGE_REFERENCE = re.compile("&#[0-9]{10,};?")
# Escaped twice, as in 1 of 80 real excerpts: nobody writes about these, as one does about "&lt;".
_ESCAPED_TWICE = re.compile("&(?:quot|apos|nbsp|#39|#34|#x27|#x22);", re.IGNORECASE)

# No group is repeated possessively, as in "(?:a|b)*+": CPython before 3.11.5, which Debian 12 has,
# then fails where it should match, and the text of scripts was left in titles.
# As HTML has it: a quote means something after "=" only. The number is bounded because a quoted
# "<a" is tried as a tag again: 80 parts for each of them keep that linear.
_ATTRIBUTE = r"""[^\s"'<>/=]++(?>(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s"'<>]++))?)"""
_ATTRIBUTES = rf"(?>(?:[\s/]++|{_ATTRIBUTE}){{0,80}})"
_NAME = r"[a-z][a-z0-9]*+(?>(?:[:-][a-z0-9]++)*)(?=[\s/>])"
_COMMENT = r"<!--(?s:.)*?(?:-->|\Z)|<[!?][^<>]*+>"
# Whatever is in such an element goes with it; without an end that is the rest, as in browsers.
_SKIPPED = (
    rf"<(?P<skipped>{{}})(?=[\s/>]){_ATTRIBUTES.replace('{', '{{').replace('}', '}}')}>"
    r"(?s:.)*?(?:</(?P=skipped)(?=[\s/>])[^<>]*+>|\Z)"
)
_TAG = rf"<(?P<slash>/?)(?P<name>{_NAME})(?P<attributes>{_ATTRIBUTES})>|</?{_NAME}[^<>]*+>"


def markup(skipped: str) -> re.Pattern[str]:
    """A pattern of a comment, a tag, or an element in ``skipped`` with all that is in it.

    What HTML takes for no tag (``a < b``, ``<3``, ``<jane@example.org>``) is not matched.
    """
    return re.compile(f"{_COMMENT}|{_SKIPPED.format(skipped)}|{_TAG}", re.IGNORECASE)


#: Elements that begin no new word: ``<b>b</b>old`` is one.
INLINE = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd"),
        *("mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup"),
        *("time", "u", "var"),
    )
)
_MARKUP = markup("script|style")


def clean(text: str) -> str:
    """One line of plain text: no markup, nothing that XML forbids, white space folded.

    A text is read as HTML, once: first tags go, then entities become characters. So ``<b>new</b>``
    is ``new``, ``Use &lt;b&gt;`` is ``Use <b>``, and ``a < b`` or ``5 <3``, which no browser
    takes for a tag, stay as they are. Only quotes and spaces are decoded twice. Mojibake is mended
    last, since entities may spell it.
    """
    text = text[:MAX_TEXT]
    # Most texts are clean: telling so takes a third of the time that finding nothing takes.
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
    """The text without mojibake: what was read in the wrong encoding is read again."""
    # Surrogates have no bytes to be read; C1 controls may be bytes of what was meant.
    return ftfy.fix_encoding(text.encode("utf-8", "ignore").decode())


def shorten(text: str, limit: int) -> str:
    """The text, cut between words and ended with ``…`` when it is over the limit."""
    if len(text) <= limit:
        return text
    head, space, _ = text[:limit].rpartition(" ")
    # A text without spaces (Japanese, an address) is cut anywhere rather than lost.
    if not space or len(head) < limit // 2:
        head = text[: limit - 1]
    return head.rstrip(" ,;:.-–—…") + "…"


def bare(key: str) -> str:
    """A key without letter case, and without spaces and marks that slip in when it is pasted."""
    # Most keys are plain: this takes a seventh of the time.
    if key.isascii() and key.isprintable():
        return key.lower().replace(" ", "")
    # A hard space before the colon, which some keyboards write unasked, left a draft served.
    folded = unicodedata.normalize("NFKC", key).casefold()
    return "".join(c for c in folded if c.isprintable() and c != " ")


def is_blank(text: str) -> bool:
    """Whether nothing of a text could be seen: only spaces, marks of direction and the like."""
    if text.isprintable():
        return not text.strip(" ")
    return not any(character.isprintable() and character != " " for character in text)


def _space(found: re.Match[str]) -> str:
    return "" if (found["name"] or "").lower() in INLINE else " "


def _separator(found: re.Match[str]) -> str:
    return " " if found[0].isspace() else ""
