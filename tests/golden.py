"""Golden documents, with which rendering is compared; `python -m tests.golden` writes them."""

import sys
from pathlib import Path

from feeds.formats import render
from feeds.languages.translations import FILES
from feeds.model import Feed, Format, Withdrawal
from tests.builders import (
    PUBLISHED,
    addresses,
    article,
    articles,
    feed,
    image,
    provider,
    related_link,
    site,
)

FOLDER = Path(__file__).parent / "cases" / "formats"

_PICTURE = image(
    url="https://img.example.com/face.jpg?w=1920&h=1080", credit="A. Person", length=81_234
)
_SECOND = image(
    url="https://img.example.com/street.png", media_type="image/png", width=None, height=None
)
_LOGO = image(url="https://feeds.example.org/logo.png", media_type="image/png", title="")
_ICON = image(url="https://feeds.example.org/icon.png", media_type="image/png", width=64, height=64)

#: The cases by name, one for each idea.
CASES: dict[str, Feed] = {
    "plain": feed(article()),
    "empty": feed(updated=PUBLISHED),
    "pictures": feed(article(images=(_PICTURE, _SECOND))),
    "related": feed(
        article(related=(related_link(), related_link(title="Q & A", url="https://q.example/?a&b")))
    ),
    "marks": feed(
        article(
            title='AT&T: is List<T> > "all" that\'s left?',
            excerpt='AT&T said <T> & "more" – it\'s 日本語 and 😀.',
            content='<p>AT&amp;T said &lt;T&gt; &amp; "more" – it\'s 日本語 and 😀, today.</p>',
            url="https://news.example.com/?a=1&b=2",
            provider=provider(name="Q&A <News>"),
            topics=("R&D", "C++"),
        ),
        title="R&D <all>",
        description="R&D & more",
    ),
    "excerpt_only": feed(article(content="")),
    "title_only": feed(article(content="", excerpt="")),
    "people_and_topics": feed(article(authors=("Ann Lee", "Bo Kim"), topics=("AI", "Vision"))),
    "related_in_another_language": feed(
        *(
            article(id=tag, language=tag, related=(related_link(),))
            for tag in (*sorted(FILES), "zh-TW", "he")
        )
    ),
    "another_language": feed(article(language="ar"), site=site(language="en")),
    "updated_later": feed(article(updated=PUBLISHED + 3_600), updated=PUBLISHED + 3_600),
    "same_time": feed(article(id="one"), article(id="two"), article(id="three")),
    "site": feed(
        article(),
        site=site(
            image=_LOGO, icon=_ICON, hubs=("https://hub.example.org/", "https://b.example.org/")
        ),
    ),
    "with_archives": feed(*articles(2), previous=addresses("topics/ai/2020-05")),
    "archive": feed(
        *articles(2),
        addresses=addresses("topics/ai/2020-05"),
        previous=addresses("topics/ai/2020-04"),
        next=addresses("topics/ai/2020-06"),
        current=addresses("topics/ai"),
    ),
    "withdrawn": feed(article(), withdrawn=(Withdrawal("gone/one", PUBLISHED + 60),)),
}


def readable(document: bytes) -> str:
    """Return a document with a line for each element or member; no text contains the separators."""
    return document.decode().replace("><", ">\n<").replace(',"', ',\n"').replace("{", "{\n")


def main() -> None:
    """Write every case in every format."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, case in CASES.items():
        for format in Format:
            (FOLDER / f"{name}.{format}").write_text(readable(render(case, format)))


if __name__ == "__main__":
    # Imported late, since it imports the cases of this module.
    from tests import versions

    main()
    sys.exit("\n".join(versions.write()))
