"""Which languages have a catalog, which one covers a BCP 47 tag, and its messages."""

from dataclasses import dataclass
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.core import get_global, parse_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

#: The language of the messages in the code, which needs no catalog.
SOURCE = "en"

_FOLDER = Path(__file__).parent / "messages"

#: The files of the catalogs by BCP 47 tag.
FILES = {file.stem: file for file in sorted(_FOLDER.glob("*.po"))}


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages of a catalog, and a hash of them."""

    translations: NullTranslations
    digest: str = ""


@lru_cache(maxsize=1024)
def locale_of(tag: str) -> Locale | None:
    """Return the locale of CLDR for the longest beginning of a BCP 47 tag that CLDR knows."""
    while tag:
        try:
            # International English: CLDR writes plain "en" as in the United States.
            return Locale.parse("en-001" if tag == SOURCE else tag, sep="-")
        except (UnknownLocaleError, ValueError):
            tag = tag.rpartition("-")[0]
    return None


@lru_cache(maxsize=1024)
def catalog_name(tag: str) -> str | None:
    """Return the name of the catalog that covers a BCP 47 tag: ``zh-Hans`` for ``zh-CN``."""
    locale = locale_of(tag)
    if locale is None:
        return None
    named = (f"{locale.language}-{_script(locale)}", locale.language)
    return next((name for name in named if name in FILES or name == SOURCE), None)


def _script(locale: Locale) -> str | None:
    """Return the script that a locale names, else the usual one of its language."""
    # Locale.parse adds the script to a territory ("zh-CN"), but not to a language alone ("zh"). It
    # rejects some of these tags, such as "no_Latn_NO".
    likely = get_global("likely_subtags").get(locale.language, locale.language)
    return locale.script or parse_locale(likely)[2]


@cache
def messages(name: str) -> Messages:
    """Return the messages of a catalog, compiled from its file in a few milliseconds."""
    if name == SOURCE:
        return Messages(NullTranslations())
    with FILES[name].open("rb") as file:
        catalog = read_po(file, locale=name.replace("-", "_"), abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    # Without the header, which holds dates.
    translated = sorted(repr((m.context, m.id, m.string)) for m in catalog if m.id)
    return Messages(GNUTranslations(compiled), blake2b(repr(translated).encode()).hexdigest())
