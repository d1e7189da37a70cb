"""Slugs: the part of an address that stands for a name."""

import unicodedata
from functools import lru_cache
from hashlib import blake2b

# Variation selectors and the keycap only style the preceding character; they are dropped.
_STYLING = (*range(0xFE00, 0xFE10), 0x20E3)
_SPELLED = {ord("+"): "-plus", ord("#"): "-sharp", **dict.fromkeys(_STYLING, "")}


@lru_cache(maxsize=4096)
def slug(name: str) -> str:
    """Return the part of an address that stands for a name; names with one slug are one.

    ``C++`` becomes ``c-plus-plus``, ``C#`` becomes ``c-sharp``, ``日本語`` stays; a name without
    any letter or digit, such as ``😀``, becomes a short hash.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower())
    spelled = folded.translate(_SPELLED)
    # Combining marks (M) belong to their letters: without them, the words of many scripts break.
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" else "-" for c in spelled)
    found = "-".join(part for part in kept.split("-") if part)
    return found or blake2b(folded.encode("utf-8", "replace"), digest_size=4).hexdigest()
