"""Renders templates to pages: pure, without request or clock."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup

from feeds import formats
from feeds.languages import Language, language
from feeds.web.assets import NAMES
from feeds.web.view_models import Frame

_FOLDER = Path(__file__).parent

#: The version of pages, boxes and lists, a part of their ETags. Raise it by one when the bytes of
#: any of them change, and only then: a test compares it with a golden site. Assets do not count:
#: their names contain hashes of their bytes.
VERSION = 11

#: The values of the layout on pages of no feed; a page without a canonical address asks not to be
#: indexed.
_OF_NO_FEED = {"canonical": "", "feed_links": (), "oembed": "", "picture": None}

#: The tokens of an argument that is a string and nothing else.
_ONE_STRING = ["lparen", "string", "rparen"]

_EMPTY_LINES = re.compile(r"\n(?:[ \t]*\n)+")


def render(template: str, frame: Frame, **values: Any) -> bytes:
    """Return a page in the language of its frame, rendered as UTF-8."""
    shown = _OF_NO_FEED | values
    page = _environment(frame.language.tag).get_template(template).render(shown, frame=frame)
    # Conditions and loops leave empty lines, 10 % of a page.
    return _EMPTY_LINES.sub("\n", page).lstrip().encode("utf-8", "replace")


def version(tag: str) -> str:
    """Return the version of all that writes the pages of a site in a language (BCP 47).

    It is a part of their ETags: the version of the code, the names of the assets, and a hash of
    the messages, dates and numbers of that language alone.
    """
    return f"{VERSION} {' '.join(NAMES.values())} {language(tag).fingerprint}"


@cache
def _environment(tag: str) -> Environment:
    """Return the templates in a language; a server uses that of its site, and English."""
    written = language(tag)
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", _ConstantMessages],
    )
    environment.globals["language"] = written
    environment.filters |= _filters(written)
    messages = written.messages.translations
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        messages.gettext, messages.ngettext, newstyle=True
    )
    return environment


class _ConstantMessages(Extension):
    """Translates ``_("…")`` while a template is compiled: forty calls were a fifth of a page."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Replace each message without values by its translation, which is markup."""
        language = cast(Language, self.environment.globals["language"])
        tokens = [*stream]
        position = 0
        while position < len(tokens):
            call = tokens[position : position + 4]
            if call[0].test("name:_") and [token.type for token in call[1:]] == _ONE_STRING:
                line = call[2].lineno
                yield Token(line, "string", language.gettext(call[2].value))
                yield from (Token(line, "pipe", "|"), Token(line, "name", "safe"))
                position += 4
            else:
                yield tokens[position]
                position += 1


def _filters(written: Language) -> dict[str, Any]:
    return {
        "articles": partial(_articles, written),
        "feeds": partial(_feeds, written),
        "day": written.day,
        "lang": lru_cache(maxsize=256)(partial(_lang, written)),
        "iso": formats.rfc3339,
        "month": written.month,
        "month_name": written.month_name,
        "number": written.number,
        "short_day": written.short_day,
        "weekly": partial(_weekly, written),
    }


def _lang(language: Language, tag: str) -> str:
    """Return the attribute ``lang`` of a text with this BCP 47 tag; empty where the page has it."""
    return "" if language.covers(tag) else Markup(' lang="{}"').format(tag)


def _articles(language: Language, number: int) -> str:
    """Return ``1 article`` or ``12,345 articles``."""
    return language.ngettext("%(num)s article", "%(num)s articles", number)


def _weekly(language: Language, rate: float) -> str:
    """Return ``about 12 articles a week``."""
    number = round(rate)
    if number < 1:
        return language.gettext("less than one article a week")
    return language.ngettext(
        "about %(num)s article a week", "about %(num)s articles a week", number
    )


def _feeds(language: Language, number: int) -> str:
    """Return ``1 feed`` or ``12 feeds``."""
    return language.ngettext("%(num)s feed", "%(num)s feeds", number)
