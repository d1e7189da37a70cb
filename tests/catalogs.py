"""The messages of the code and of the catalogs; `python -m tests.catalogs` updates the catalogs."""

import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from feeds.languages.translations import FILES

FEEDS = Path(__file__).parents[1] / "feeds"

#: How the code marks messages, and which arguments are messages.
KEYWORDS = {
    "_": None,
    "gettext": None,
    "marked": None,
    "ngettext": (1, 2),
    "plural_forms": (1, 2),
}

#: The pages of operators are in English.
NOT_TRANSLATED = {"subscribers.html"}

Message = str | tuple[str, ...]


@cache
def marked() -> list[Message]:
    """Return the messages that the code marks, sorted: moved code must not change a catalog."""
    return sorted({message for file in _sources() for message in _messages(file)}, key=str)


def _sources() -> Iterator[Path]:
    files = (*FEEDS.rglob("*.py"), *FEEDS.rglob("templates/*.html"))
    yield from sorted(file for file in files if file.name not in NOT_TRANSLATED)


def _messages(file: Path) -> Iterator[Message]:
    method = "python" if file.suffix == ".py" else "jinja2.ext:babel_extract"
    options = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    with file.open("rb") as source:
        for _, message, _, _ in extract(method, source, KEYWORDS, (), options):
            yield message


def read(tag: str) -> Catalog:
    """Return the catalog of a language."""
    with FILES[tag].open("rb") as file:
        return read_po(file, locale=tag.replace("-", "_"), abort_invalid=True)


def brought_up_to_date(tag: str, messages: list[Message]) -> bytes:
    """Return the file of a catalog with these messages; new ones have no translation yet."""
    before = read(tag)
    after = Catalog(locale=tag.replace("-", "_"), header_comment=before.header_comment)
    for message in messages:
        known = before.get(message if isinstance(message, str) else message[0])
        after.add(
            message,
            known.string if known else None,
            user_comments=known.user_comments if known else (),
            flags=known.flags - {"python-format"} if known else (),
        )
    written = BytesIO()
    write_po(written, after, width=100, omit_header=True, no_location=True)
    header = (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Language: {tag}\\n"\n"Plural-Forms: {after.plural_forms}\\n"\n\n'
    )
    comment = f"{before.header_comment}\n" if before.header_comment else ""
    return (comment + header).encode() + written.getvalue().strip() + b"\n"


def main() -> None:
    """Write every catalog with the messages of the code, and print those left to translate."""
    messages = marked()
    missing = []
    for tag, file in FILES.items():
        file.write_bytes(brought_up_to_date(tag, messages))
        missing += [f"{file}: {m.id!r}" for m in read(tag) if m.id and not is_translated(m.string)]
    sys.exit("\n".join(missing))


def is_translated(string: object) -> bool:
    """Return True if a message has a translation, in each of its plural forms."""
    return all(string) if isinstance(string, tuple | list) else bool(string)


if __name__ == "__main__":
    main()
