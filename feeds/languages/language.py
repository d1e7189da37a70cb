"""One language: its messages, plural forms, dates and numbers, the same in every process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.lists import format_list
from babel.numbers import format_decimal

from feeds.languages.translations import SOURCE, Messages, catalog_name, locale_of, messages


def marked(message: str) -> str:
    """Return a message unchanged: the call marks it for the catalogs."""
    return message


@dataclass(frozen=True, slots=True)
class Language:
    """A language to write in."""

    #: BCP 47, for the attribute ``lang``.
    tag: str
    #: The name of its catalog.
    name: str
    locale: Locale
    messages: Messages

    @property
    def direction(self) -> str:
        """Return ``rtl`` or ``ltr``, for the attribute ``dir``."""
        return self.locale.text_direction

    def covers(self, tag: str) -> bool:
        """Return True if a text with this BCP 47 tag is in this language."""
        return catalog_name(tag) == self.name

    def gettext(self, message: str, /, **values: object) -> str:
        """Return the translation of a message, with the values of its placeholders."""
        return self.messages.translations.gettext(message) % values

    def ngettext(self, one: str, other: str, number: int, /) -> str:
        """Return the translation that fits a number, which replaces ``%(num)s``."""
        return self.messages.translations.ngettext(one, other, number) % {
            "num": self.number(number)
        }

    def plural_forms(self, one: str, other: str, /) -> dict[str, str]:
        """Return the translation by plural category of CLDR, with ``{num}`` for the number.

        Scripts know the category of a number, by ``Intl.PluralRules``.
        """
        return {
            name: self.messages.translations.ngettext(one, other, number) % {"num": "{num}"}
            for name, number in _categories(self.locale).items()
        }

    def any_of(self, names: Sequence[str]) -> str:
        """Return ``AI, Boats or Cloud``."""
        return format_list(names, "or", self.locale) if names else ""

    def all_of(self, names: Sequence[str]) -> str:
        """Return ``AI, Boats and Cloud``."""
        return format_list(names, "standard", self.locale) if names else ""

    def number(self, number: int) -> str:
        """Return ``12,345``."""
        return _number(self.locale, number)

    def day(self, moment: int) -> str:
        """Return ``20 November 2026``; a cached ``2 hours ago`` would be wrong when it is read."""
        return _date(self.locale, "long", moment // _DAY)

    def short_day(self, moment: int) -> str:
        """Return ``20 Nov 2026``, which leaves room for the name of a provider."""
        return _date(self.locale, "yMMMd", moment // _DAY)

    def month(self, name: str, part: int | None = None) -> str:
        """Return ``May 2026`` for ``2026-05``, with the part unless it is the last."""
        month = _date(self.locale, "yMMMM", _first_day(name))
        if part is None:
            return month
        return self.gettext("%(month)s, part %(part)s", month=month, part=self.number(part))

    def month_name(self, name: str) -> str:
        """Return ``May`` for ``2026-05``."""
        return _date(self.locale, "LLLL", _first_day(name))

    @property
    def fingerprint(self) -> str:
        """Return a hash of all that decides what is written: the messages, dates and numbers."""
        return _fingerprint(self.tag)


_DAY = 86_400

#: Patterns of dates; any other is a skeleton of CLDR.
_PATTERNS = ("long", "LLLL")


@lru_cache(maxsize=256)
def language(tag: str) -> Language:
    """Return the language to write in on a site of a BCP 47 tag: English without a catalog."""
    name, locale = catalog_name(tag), locale_of(tag)
    if name is None or locale is None:
        return ENGLISH
    return Language(tag, name, locale, messages(name))


ENGLISH = Language(SOURCE, SOURCE, Locale.parse("en_001"), messages(SOURCE))


@lru_cache(maxsize=4096)
def _date(locale: Locale, form: str, day: int) -> str:
    # Babel takes 20 µs for a date, and a page shows fifty.
    found = datetime.fromtimestamp(day * _DAY, UTC).date()
    if form in _PATTERNS:
        return format_date(found, form, locale)
    return format_skeleton(form, found, locale=locale)


@lru_cache(maxsize=256)
def _categories(locale: Locale) -> dict[str, int]:
    """Return the plural categories of CLDR, each with a number that has it."""
    category: Callable[[int], str] = locale.plural_form
    # The smallest number; some languages have a category of millions.
    numbers = (1_000_000, *range(200, -1, -1))
    return dict(sorted({category(number): number for number in numbers}.items()))


@lru_cache(maxsize=4096)
def _number(locale: Locale, number: int) -> str:
    return format_decimal(number, locale=locale)


def _first_day(month: str) -> int:
    return (date(int(month[:4]), int(month[5:]), 1) - date(1970, 1, 1)).days


@lru_cache(maxsize=256)
def _fingerprint(tag: str) -> str:
    found = language(tag)
    names = [f"2026-{number:02}" for number in range(1, 13)]
    days = [_first_day(name) * _DAY for name in names]
    written = (
        found.messages.digest,
        *(found.month(name) + found.month_name(name) for name in names),
        *(found.day(day) + found.short_day(day) for day in days),
        found.number(1_234_567),
    )
    return blake2b(repr(written).encode(), digest_size=8).hexdigest()
