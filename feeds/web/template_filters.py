"""Counts and languages in words: pure."""

from markupsafe import Markup

from feeds.languages import Language


def lang(language: Language, tag: str) -> str:
    """Return the attribute ``lang`` of a text with this BCP 47 tag; empty where the page has it."""
    return "" if language.covers(tag) else Markup(' lang="{}"').format(tag)


def articles(language: Language, number: int) -> str:
    """Return ``1 article`` or ``12,345 articles``."""
    return language.ngettext("%(num)s article", "%(num)s articles", number)


def weekly(language: Language, rate: float) -> str:
    """Return ``about 12 articles a week``."""
    number = round(rate)
    if number < 1:
        return language.gettext("less than one article a week")
    return language.ngettext(
        "about %(num)s article a week", "about %(num)s articles a week", number
    )


def feeds(language: Language, number: int) -> str:
    """Return ``1 feed`` or ``12 feeds``."""
    return language.ngettext("%(num)s feed", "%(num)s feeds", number)
