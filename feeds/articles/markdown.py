"""Markdown as GitHub reads it, to HTML that is not yet safe.

Expensive input is rejected first: Markdown is quadratic in brackets, and in many other signs.
"""

import re
from collections.abc import Iterable, Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, code
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.gfm import gfm_plugin

from feeds.articles.html_tags import reject_if

#: Characters of a Markdown body; its HTML has to fit into 100,000 bytes.
MAX_MARKDOWN = 100_000
#: Markdown took 1.4 s for 38,000 lines of lists.
MAX_LINES = 5_000
#: Many rules examine each sign: Markdown took 0.9 s for 48,000 signs of emphasis.
MAX_SIGNS, SIGNS = 10_000, "<>&*_~`!|#\\"
#: Markdown took 0.7 s for 20,000 brackets, and 0.06 s for these.
MAX_BRACKETS = 2_000
#: Columns times lines: Markdown pads every short row of a table, 65,000 cells in 1.7 s.
MAX_CELLS = 30_000
#: Characters of a paragraph times colons of the body: the search for bare addresses goes back and
#: forth from each colon, and took 2 s for 20,000 times 10,000.
MAX_SEARCHED = 20_000_000

#: The attribute that carries a line of the source to the cleaner; it never leaves.
LINE = "data-line"

#: Characters of a word that may be an address; none of this length is accepted.
MAX_WORD = 4_000
#: The characters with which the inline rules of this parser begin or end.
_SIGN = re.compile(r"[\n\\`~*_\[\]<&:@]|!(?=\[)|w(?=ww\.)")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_BEGINS_AS_HTML = re.compile(r"\s*<")
_EMBED = re.compile(
    r"<(?:img|iframe|video|audio|object|embed|svg|script|canvas|applet)(?=[\s/>])", re.IGNORECASE
)


def to_html(markdown: str, line: int) -> str:
    """Return the HTML of a body that begins on a line of its file.

    Raise ArticleError for a body that would take too long.
    """
    _refuse_excess(markdown)
    parser = _MARKDOWN if _is_searchable(markdown) else _WITHOUT_ADDRESSES
    html: str = parser.render(markdown, {"line": line})
    return html


def _refuse_excess(markdown: str) -> None:
    reject_if(len(markdown) > MAX_MARKDOWN, f"over {MAX_MARKDOWN} characters")
    reject_if(markdown.count("[") > MAX_BRACKETS, f"over {MAX_BRACKETS} brackets")
    signs = max(map(markdown.count, SIGNS))
    reject_if(signs > MAX_SIGNS, f"one of {SIGNS} over {MAX_SIGNS} times")
    breaks = markdown.count("\n")
    reject_if(breaks >= MAX_LINES, f"over {MAX_LINES} lines")
    if "|" in markdown:
        columns = max(line.count("|") for line in markdown.split("\n"))
        reject_if(columns * (breaks + 1) > MAX_CELLS, f"over {MAX_CELLS} cells of tables")


def _is_searchable(markdown: str) -> bool:
    if len(markdown) < MAX_WORD:
        return True
    longest = max(map(len, _PARAGRAPHS.split(markdown)))
    word = max(map(len, markdown.split()), default=0)
    return longest * markdown.count(":") <= MAX_SEARCHED and word < MAX_WORD


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).use(gfm_plugin)
    parser.block.ruler.at("code", _code)
    parser.inline.ruler.at("text", _text)
    parser.core.ruler.push("lines", _note_lines)
    # Readers have neither the marks that this arrow leads to nor any use for it.
    parser.add_render_rule("footnote_anchor", _nothing)
    return parser


def _code(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Parse lines that are indented by four spaces as code.

    In a body that begins as HTML, an indented tag is HTML: an empty line and a tab turned the rest
    of real bodies into a listing.
    """
    if not state.is_code_block(first):
        return False
    start = state.bMarks[first] + state.tShift[first]
    is_html = state.src.startswith("<", start) and _BEGINS_AS_HTML.match(state.src)
    return not is_html and code(state, first, last, silent)


def _text(state: StateInline, silent: bool) -> bool:
    """Parse text up to the next sign that another rule examines.

    The rule of the library also stops at those of other plugins, and at each ``w``.
    """
    found = _SIGN.search(state.src, state.pos, state.posMax)
    end = found.start() if found else state.posMax
    if end == state.pos:
        return False
    if not silent:
        state.append_pending(state.src[state.pos : end])
    state.pos = end
    return True


def _nothing(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: object, env: object
) -> str:
    return ""


def _note_lines(state: StateCore) -> None:
    """Write its line on everything that the cleaner may have to remove."""
    first = state.env["line"]
    for token in state.tokens:
        if token.map is None:
            continue
        line = first + token.map[0]
        if token.type == "html_block":
            token.content = _numbered(token.content, line)
        elif token.children and ("<" in token.content or "![" in token.content):
            _note_inline(token.children, line)


def _note_inline(children: Iterable[Token], line: int) -> None:
    for token in children:
        if token.type == "image":
            token.attrSet(LINE, str(line))
        elif token.type == "html_inline":
            newlines = token.content.count("\n")
            token.content = _numbered(token.content, line)
            line += newlines
        elif token.type in ("softbreak", "hardbreak"):
            line += 1


def _numbered(html: str, line: int) -> str:
    if "<" not in html:
        return html
    return _EMBED.sub(
        lambda found: f'{found[0]} {LINE}="{line + html.count(chr(10), 0, found.start())}"', html
    )


_MARKDOWN = _parser()
_WITHOUT_ADDRESSES = _parser().disable(
    ["gfm_autolink_www", "gfm_autolink_protocol", "gfm_autolink_email"]
)
