"""Splits the bytes of a file into its front matter and its body.

Articles of this server have one kind of fence. Those of a declared folder may have any that
generators read: ``---`` (YAML), ``+++`` (TOML), header lines up to the first blank line, or YAML
that only a closing ``---`` ends.
"""

import re
from codecs import BOM_UTF8

from feeds.articles import toml_tree, yaml_tree
from feeds.articles.fields import Fields
from feeds.articles.yaml_tree import GIVEN_TWICE, Node
from feeds.errors import ArticleError, Reason

#: Bytes of a file, and of its front matter; the largest real ones have 25 kB and 10 kB. Of a
#: larger file this much, and a byte more, is looked at for what hides its article.
MAX_FILE, MAX_FRONT_MATTER = 1024 * 1024, 256 * 1024

_OPENING = re.compile(r"---[ \t]*\n")
_CLOSING = re.compile(r"\n---[ \t]*(?=\n|\Z)")
_TOML_OPENING = re.compile(r"\+\+\+[ \t]*\n")
_TOML_CLOSING = re.compile(r"\n\+\+\+[ \t]*(?=\n|\Z)")
#: Up to three spaces indent a key, and more continue the value above it.
_HEADER = re.compile(r" {0,3}([A-Za-z][\w -]{0,60}?)[ \t]{0,20}:(?:[ \t](.*))?")
_BLANK_LINE = re.compile(r"\n[ \t]*(?:\n|\Z)")
#: A line that YAML in the form of front matter may have: a key, what is nested, a comment.
_YAML_LINE = re.compile(r"(?:[\w\"'-][^:]*:(?:\s.*)?|[\s#\-\]}].*|)")


def split(text: bytes) -> tuple[Fields, str]:
    """Return the fields and the body of an article with YAML between two fences."""
    return _split(_decoded(text))


def split_any(text: bytes) -> tuple[Fields, str]:
    """Return the fields and the body of an article of a declared folder, with any fences."""
    lines = _decoded(text)
    if _OPENING.match(lines):
        return _split(lines)
    if opening := _TOML_OPENING.match(lines):
        return _toml(lines, opening.end())
    if not _HEADER.match(lines):
        message = "the first line begins no front matter: begin it with '---', '+++' or 'Title: …'"
        raise ArticleError(Reason.NO_FRONT_MATTER, message, 1)
    closing = _CLOSING.search(lines)
    if closing and all(map(_YAML_LINE.fullmatch, lines[: closing.start()].split("\n"))):
        root = yaml_tree.parse(_bounded(lines[: closing.start()]))
        return _mapping(root), lines[closing.end() :]
    return _headed(lines)


def refuse_large(text: bytes) -> bytes:
    """Return the text of a file; raise ArticleError when the file is too large."""
    if len(text) > MAX_FILE:
        raise ArticleError(Reason.TOO_LARGE, f"over {MAX_FILE} bytes: shorten it")
    return text


def _decoded(text: bytes) -> str:
    """Return a text without a byte order mark, and with one kind of line break."""
    refuse_large(text)
    try:
        # The codec "utf-8-sig" is written in Python.
        lines = text.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise ArticleError(Reason.BAD_ENCODING, "not UTF-8: save it as UTF-8") from None
    return lines.replace("\r\n", "\n").replace("\r", "\n")


def _split(lines: str) -> tuple[Fields, str]:
    opening = _OPENING.match(lines)
    closing = opening and _CLOSING.search(lines, opening.end() - 1)
    if not (opening and closing):
        where = "no line '---' ends the front matter" if opening else "the first line is not '---'"
        raise ArticleError(Reason.NO_FRONT_MATTER, f"{where}: add it", 1)
    head = _bounded(lines[opening.end() : closing.start()])
    return _mapping(yaml_tree.parse(head, first_line=2)), lines[closing.end() :]


def _bounded(head: str) -> str:
    if len(head.encode()) > MAX_FRONT_MATTER:
        message = f"front matter over {MAX_FRONT_MATTER} bytes: shorten it"
        raise ArticleError(Reason.TOO_LARGE, message, 1)
    return head


def _mapping(root: Node) -> Fields:
    if not isinstance(root.value, dict):
        message = "the front matter is not a mapping: write one 'key: value' a line, with the space"
        raise ArticleError(Reason.NOT_A_MAPPING, message, root.line)
    return root.value


def _toml(lines: str, begin: int) -> tuple[Fields, str]:
    closing = _TOML_CLOSING.search(lines, begin - 1)
    if not closing:
        message = "no line '+++' ends the front matter: add it"
        raise ArticleError(Reason.NO_FRONT_MATTER, message, 1)
    head = _bounded(lines[begin : closing.start()])
    return toml_tree.parse(head, first_line=2), lines[closing.end() :]


def _headed(lines: str) -> tuple[Fields, str]:
    """Return the header lines up to the first blank line, and what follows it.

    An indented line continues the value above it. Any other line may be a key with a slip in it, so
    the file is rejected.
    """
    blank = _BLANK_LINE.search(lines)
    head, body = (lines[: blank.start()], lines[blank.end() :]) if blank else (lines, "")
    fields: Fields = {}
    key = ""
    for number, line in enumerate(_bounded(head).split("\n"), 1):
        found = _HEADER.fullmatch(line)
        if found is None and not line.startswith((" ", "\t")):
            message = "neither 'key: value' nor a blank line: write one of them"
            raise ArticleError(Reason.YAML_SYNTAX, message, number)
        if found is None:
            fields[key] = Node(f"{fields[key].value or ''} {line.strip()}".strip(), number)
            continue
        key = found[1]
        if key in fields:
            raise ArticleError(Reason.YAML_DUPLICATE_KEY, GIVEN_TWICE, number, key[:40])
        fields[key] = Node((found[2] or "").strip() or None, number)
    return fields, body
