"""Counts what feeds do not show of bodies: ``python -m bench.bodies FOLDER``.

Every body below the folder is parsed twice: by this module, which renders GitHub's Markdown and
removes nothing, and by the server. Words, images and players that only the first has are counted
by their kind.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.gfm import gfm_plugin
from selectolax.lexbor import LexborHTMLParser, LexborNode

from feeds.articles import Context, parse

_HEAD = b"---\ntitle: x\ndate: 2024-01-01\nwebUrl: https://paper.example/2024/x\n---\n"
_CONTEXT = Context("https://site.example", lambda url: None, 1_800_000_000)
_FRONT_MATTER = re.compile(rb"(---|\+\+\+)\r?\n.*?\n\1[ \t]*\r?\n", re.DOTALL)
_WORD = re.compile(r"\w+")
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).use(gfm_plugin)
_ADDRESSES = ("src", "data-src", "data-lazy-src", "data-original", "srcset", "data-srcset", "data")
_PLAYERS = ("iframe", "video", "audio", "object", "embed")
#: Elements whose text no reader shows.
_SILENT = {"script", "style", "template", "title", "select", "datalist", "-comment"}


def main(folder: Path) -> None:
    """Print what is lost in all bodies below a folder, by kind and count."""
    total: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.md")):
        body = _FRONT_MATTER.sub(b"", path.read_bytes(), count=1)
        if body.strip():
            _compare(body, total, lost)
    for heading, counts in (("in the source", total), ("not in the feeds", lost)):
        print(f"{heading}:")
        for kind, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
            print(f"  {count:>9,}  {kind}")


def _compare(body: bytes, total: Counter[str], lost: Counter[str]) -> None:
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\0", "")
    source = LexborHTMLParser(f"<body>{_MARKDOWN.render(text)}").body
    total["bodies"] += 1
    try:
        parsed = parse(_HEAD + text.encode(), "x.md", _CONTEXT)
    except ValueError as error:
        lost[f"bodies: {getattr(error, 'reason', error)}"] += 1
        return
    content = parsed.article.content
    for note in parsed.notes:
        lost[f"notes: {re.sub('[0-9]+', 'N', note)}"] += 1
    if source is None or not content:
        lost["bodies: empty"] += 1
        return
    _compare_words(source, content, total, lost)
    _compare_media(source, content, total, lost)


def _compare_words(
    source: LexborNode, content: str, total: Counter[str], lost: Counter[str]
) -> None:
    shown = LexborHTMLParser(f"<body>{content}").body
    # An alternative text may stand for its image.
    alternatives = (
        " ".join(n.attributes.get("alt") or "" for n in shown.css("img")) if shown else ""
    )
    text = shown.text(separator=" ") if shown else ""
    left = Counter(_WORD.findall(f"{text} {alternatives}"))
    for kind, words in _texts(source):
        for word in words:
            total["words"] += 1
            if left[word] > 0:
                left[word] -= 1
            else:
                lost[f"words in <{kind}>"] += 1


def _texts(root: LexborNode) -> Iterator[tuple[str, list[str]]]:
    """Yield the words of each text with the name of the element that holds it."""
    for node in root.traverse(include_text=True):
        holder = node.parent
        names = set()
        while holder is not None and holder.tag != "body":
            names.add(holder.tag)
            holder = holder.parent
        if node.tag == "-text" and not _SILENT & names:
            parent = node.parent
            yield (parent.tag or "" if parent else ""), _WORD.findall(node.text())


def _compare_media(
    source: LexborNode, content: str, total: Counter[str], lost: Counter[str]
) -> None:
    for name in ("img", *_PLAYERS, "table", "svg", "math", "input"):
        for node in source.css(name):
            total[f"<{name}>"] += 1
            if not _is_shown(name, node, content):
                lost[f"<{name}>: {_why(node)}"] += 1


def _is_shown(name: str, node: LexborNode, content: str) -> bool:
    if name == "table":
        return "<table>" in content
    if name == "input":
        return "☑" in content or "☐" in content
    addresses = [node.attributes.get(attribute) or "" for attribute in _ADDRESSES]
    addresses += [source.attributes.get("src") or "" for source in node.css("source")]
    names = [re.split(r"[?#\s]", a)[0].rstrip("/").rpartition("/")[2] for a in addresses if a]
    alternative = node.attributes.get("alt") or node.attributes.get("alttext") or ""
    words = node.text().strip() if name == "math" else alternative
    return any(n and n in content for n in names) or bool(words and words in content)


def _why(node: LexborNode) -> str:
    attributes = node.attributes
    if not any(attributes.get(name) for name in _ADDRESSES) and not node.css("source"):
        return "without an address"
    start = re.match(r"[a-z]+:", attributes.get("src") or "")
    if start and start[0] not in ("http:", "https:"):
        return f"address in {start[0]}"
    return "another address, or left out"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
