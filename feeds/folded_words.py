"""Words of any script in one folded spelling, and the tokens by which an index finds them. Pure."""

import re
import unicodedata
from collections.abc import Iterator

#: The longest word, in characters: what is longer is no word, and is cut.
LONGEST = 64

#: The longest text whose words are read, in characters.
_LONGEST_TEXT = 10_000

# A sign that ends a word belongs to it: C++, C#, Disney+. One between two words separates them, as
# in an address with a plus for each space; before a digit, two belong to it: C++20.
_LETTER = r"a-zA-Z0-9\x80-\U0010ffff"
_WORD = re.compile(rf"[{_LETTER}]+(?:\+\+(?=\d)|[+#]{{1,2}}(?![{_LETTER}]))?")
_PIECE = re.compile(f"[{_LETTER}+#]+")

#: The signs that may end a word, as tokens spell them, with a character that no word has.
_SIGNS = {ord("+"): "-plus", ord("#"): "-sharp"}

#: Han, kana, Thai, Lao, Burmese and Khmer are written without spaces between words.
_RUN = re.compile(
    "([\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+)"
)


class _Spelling(dict[int, str | None]):
    """The spelling of each character: itself, nothing for an accent, a space between words."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        # The accents of Latin, Greek and Cyrillic, and the points of Hebrew and Arabic, which many
        # leave out. Marks of other scripts are letters to their readers.
        is_accent = 0x300 <= code <= 0x36F or 0x591 <= code <= 0x5BD or 0x64B <= code <= 0x652
        is_kept = unicodedata.category(character)[0] in "LNM"
        found = None if is_accent else character if is_kept else " "
        # Bounded: texts could hold each of a million characters.
        if code <= 0xFFFF:
            self[code] = found
        return found


_SPELLING = _Spelling({sign: chr(sign) for sign in _SIGNS})


def words(text: str) -> list[str]:
    """Return the words of a text, folded: without letter case, accents and compatibility forms.

    A word may end with one or two signs: ``c++``, ``c#``.
    """
    text = text[:_LONGEST_TEXT]
    if text.isascii():
        text = text.lower()
    else:
        # Piece by piece: in most texts only a dash or a quotation mark is not ASCII.
        pieces = _PIECE.findall(text)
        text = " ".join(each.lower() if each.isascii() else _folded(each) for each in pieces)
    return [word[:LONGEST] for word in _WORD.findall(text)]


def _folded(text: str) -> str:
    once = _folded_once(text)
    # Once more: the case and the parts of some characters depend on their form.
    return once if once.isascii() else _folded_once(once)


def _folded_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFKD", text).translate(_SPELLING)
    return unicodedata.normalize("NFKC", text)


def indexed_tokens(word: str) -> list[str]:
    """Return the tokens under which a text that holds a word is found.

    A run of a script without spaces gives each pair of neighbours, and its last character alone, so
    that every character begins a token. A word with a sign is found without it, too.
    """
    if word.isascii() and word.isalnum():
        return [word]
    bare = word.rstrip("+#")
    tokens = [] if bare == word else [word.translate(_SIGNS)]
    for part, is_run in _parts(bare):
        tokens += (part[start : start + 2] for start in range(len(part))) if is_run else [part]
    return tokens


def query_tokens(word: str) -> Iterator[tuple[str, bool]]:
    """Return the tokens that a text with a word has, each with whether it is only their beginning.

    Only a single character of a script without spaces is one.
    """
    if word[-1:] in ("+", "#"):
        yield word.translate(_SIGNS), False
        return
    for part, is_run in _parts(word):
        if not is_run or len(part) == 1:
            yield part, is_run
        else:
            yield from ((part[start : start + 2], False) for start in range(len(part) - 1))


def _parts(word: str) -> Iterator[tuple[str, bool]]:
    """Return the parts of a word, and whether each is a run of a script without spaces."""
    for number, part in enumerate(_RUN.split(word)):
        if part:
            yield part, number % 2 == 1
