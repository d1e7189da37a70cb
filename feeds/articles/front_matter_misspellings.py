"""Unknown keys of a front matter that are probably meant to be known ones.

Other programs' keys are legitimate in a file, so an unknown key is never a fault.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from feeds.articles.fields import Fields
from feeds.articles.front_matter import KNOWN_KEYS, Context, read
from feeds.articles.publication import KEYS, name_of
from feeds.articles.text import bare

#: Keys of other programs, and the key that has their meaning here.
_MEANT = {
    **dict.fromkeys(("tag", "tags", "categories", "keywords"), "topics"),
    **dict.fromkeys(("url", "link", "href", "canonicalurl"), "webUrl"),
    **dict.fromkeys(("image", "picture", "pictures", "cover", "thumbnail"), "images"),
    **dict.fromkeys(("author", "authors"), "provider.authors"),
    **dict.fromkeys(("description", "summary"), "excerpt"),
    **dict.fromkeys(("lang", "language"), "locale"),
    **dict.fromkeys(("updated", "modified", "lastmod"), "updatedDateTime"),
}

#: Keys that are documented, and of which nothing is shown.
_UNUSED = {"ampweburl", "cdnampweburl", "category", "heat", "secured"}

#: A shorter key is close to too many others, and a longer one to none.
_MIN_LENGTH, _MAX_LENGTH = 4, 40
#: One letter left out, put in or exchanged, or two neighbours swapped, in a short word.
_CLOSENESS = 0.8


_SPELLINGS = {bare(key): key for key in KNOWN_KEYS | KEYS}


def near_misses(text: bytes, context: Context) -> Iterator[str]:
    """Yield a note for each unknown key of a file that is close to a known one which it lacks.

    Notes name keys, never values. Raise ArticleError when the file has no front matter. The keys of
    a declared folder are those of its own program.
    """
    if context.folder is not None:
        return
    fields, _ = read(text, context)
    for key in fields:
        folded = bare(key)
        if folded in _SPELLINGS or folded in _UNUSED or name_of(key):
            continue
        meant = _MEANT.get(folded) or _closest(folded)
        if meant and not _is_given(fields, meant):
            shown = key if key.isascii() and key.isprintable() else folded
            yield f"{shown}: unknown key: did you mean {meant}?"


def _is_given(fields: Fields, key: str) -> bool:
    outer, _, inner = key.partition(".")
    if outer not in fields or not inner:
        return outer in fields
    value = fields[outer].value
    return isinstance(value, dict) and inner in value


def _closest(folded: str) -> str | None:
    if not (folded.isalpha() and _MIN_LENGTH <= len(folded) <= _MAX_LENGTH):
        return None
    for close in get_close_matches(folded, _SPELLINGS, 1, _CLOSENESS):
        if abs(len(close) - len(folded)) <= 1:
            return _SPELLINGS[close]
    return None
