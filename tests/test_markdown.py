"""Tests of the Markdown of bodies, compared with the library's own GitHub preset."""

import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.gfm import gfm_plugin

from feeds.articles.markdown import LINE, to_html

_PIECES = [
    *"\\`~*_[]()<>&:@!^|-+=#.w \n", "~~", "**", "[^1]", "![a](b.png)", "[a](b)", "<b>",
    "<!-- c -->", "www.a.example", "ww.a", "http://a.example/x", "mailto:me@a.example",
    "me@a.example", "xmpp:a@b.example", "&amp;", "a", "word", "\n\n", "\n[^1]: note\n",
    "- [ ] ", "| a | b |\n|---|---|\n",
]  # fmt: skip


def library_html(markdown: str) -> str:
    parser = MarkdownIt("commonmark", {"html": True}).use(gfm_plugin)
    parser.add_render_rule("footnote_anchor", lambda *_: "")
    return str(parser.render(markdown))


@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("".join))
@example("a wwww.a.example www.a.example (www.b.example)")
@example("^[a] [^1] ![a](b) ! ^ [a]!\n\n[^1]: note")
@example("a  \nb \nc\n d")
@example("[www.a.example](b) http://a.example a:b@c.example")
def test_any_text_is_parsed_as_by_the_library(text: str) -> None:
    # A body that begins as HTML may be indented.
    text = f"a{text}"

    html = re.sub(f' {LINE}="[0-9]+"', "", to_html(text, 1))

    assert html == library_html(text)
