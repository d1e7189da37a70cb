"""A safe YAML parser: text to a tree of nodes with line numbers.

Every scalar stays a string, so ``no``, ``2020-06-30`` and ``1e3`` keep their spelling. Dangerous
input is rejected in the stream of events, before a tree is composed: libyaml's own composer is
recursive and ends the process on deep nesting.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from feeds.articles.yaml_errors import advice, place
from feeds.errors import ArticleError, Reason

#: The message for a key that a mapping has twice.
GIVEN_TWICE = "given twice: remove one of the two"
#: Levels of nesting; articles need 5.
MAX_DEPTH = 16
#: Events in one front matter; the largest real article has about 300.
MAX_NODES = 10_000

#: The spellings of null.
NULLS = {"", "~", "null", "Null", "NULL"}

# YAML 1.1 ends a line at these characters; no editor does, and a line number would be too large.
_NO_LINE_BREAKS = re.compile("[\x85\u2028\u2029]")
# A character beyond U+FFFF as JSON spells it: two escapes, which libyaml rejects.
_SURROGATES = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})"
)
#: No tag, and the non-specific one, which Ruby writes before some texts: it denotes no type.
_UNMARKED = (None, "!")

_TYPE_NAMES = {dict: "a mapping", tuple: "a list", str: "text", type(None): "nothing"}


class Node(msgspec.Struct, frozen=True, gc=False):
    """A value and the line of the value or of its key, from 1.

    An article has dozens: a frozen dataclass takes 15 times as long to make. None is part of a
    cycle, so the garbage collector need not look at them.
    """

    value: "str | tuple[Node, ...] | dict[str, Node] | None"
    line: int

    def text(self, key: str) -> str:
        """Return the value as text, null as the empty text; raise ArticleError otherwise."""
        if self.value is None:
            return ""
        if not isinstance(self.value, str):
            raise self.wrong(key, "text")
        return self.value

    def items(self, key: str) -> "tuple[Node, ...]":
        """Return the value as a list, null as the empty one; raise ArticleError otherwise."""
        if self.value is None:
            return ()
        if not isinstance(self.value, tuple):
            raise self.wrong(key, "a list, one '- ' a line")
        return self.value

    def mapping(self, key: str) -> "dict[str, Node]":
        """Return the value as a mapping, null as an empty one; raise ArticleError otherwise."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.wrong(key, "a mapping, one 'key: value' a line")
        return self.value

    def wrong(self, key: str, wanted: str) -> ArticleError:
        """Return the error for a value of the wrong type."""
        found = _TYPE_NAMES[type(self.value)]
        return ArticleError(Reason.BAD_TYPE, f"is {found}: write it as {wanted}", self.line, key)


def parse(text: str, first_line: int = 1) -> Node:
    """Return the node of one YAML document, which begins at ``first_line`` of its file.

    Raise ArticleError for bad syntax, anchors, aliases, merge keys, tags, duplicate keys, keys
    that are not text, more than one document, and more depth or values than any article needs.
    """
    try:
        loader = yaml.CBaseLoader(_as_yaml(text))
        tree = _Tree(first_line)
        tree.build(loader)
        return tree.roots[0] if tree.roots else Node(None, first_line)
    except yaml.MarkedYAMLError as error:
        line = first_line + place(error)
        raise ArticleError(Reason.YAML_SYNTAX, advice(error), line) from None
    except (yaml.YAMLError, UnicodeError):
        message = "a character that YAML does not allow: remove it"
        raise ArticleError(Reason.YAML_SYNTAX, message, first_line) from None


def _as_yaml(text: str) -> str:
    if not text.isascii():
        text = _NO_LINE_BREAKS.sub(" ", text)
    return _SURROGATES.sub(_character, text) if "\\u" in text else text


def _character(found: re.Match[str]) -> str:
    high, low = int(found[2], 16), int(found[3], 16)
    return found[1] + chr(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end event is still to come."""

    items: list[Node] | None
    fields: dict[str, Node]
    line: int
    key: str | None = None
    key_line: int = 0

    def put(self, value: "str | tuple[Node, ...] | dict[str, Node] | None", line: int) -> None:
        """Add the next value: an item of the list, or the value of the last key."""
        if self.items is not None:
            self.items.append(Node(value, line))
        elif self.key is not None:
            self.fields[self.key] = Node(value, self.key_line)
            self.key = None


class _Tree:
    """Builds the tree on an explicit stack, which cannot overflow.

    A dictionary maps each type of event to a method: a chain of ``isinstance`` or ``match`` took as
    long as libyaml itself.
    """

    def __init__(self, first_line: int) -> None:
        self.first = first_line
        self.roots: list[Node] = []
        self.top = _Open(self.roots, {}, first_line)
        self.above: list[_Open] = []
        self.count = 0

    def build(self, loader: yaml.CBaseLoader) -> None:
        """Handle all events of a text."""
        for self.count, event in enumerate(iter(loader.get_event, None)):
            if handler := _HANDLERS.get(type(event)):
                handler(self, event)

    def scalar(self, event: Any) -> None:
        """Add a key or a text value."""
        line = self.first + event.start_mark.line
        if event.anchor is not None or event.tag not in _UNMARKED or self.count > MAX_NODES:
            raise self.rejection(event, line)
        top, value = self.top, event.value
        if top.items is None and top.key is None:
            _remember_key(top, value, line, self.above)
        else:
            is_null = value in NULLS and event.implicit[0] and event.tag is None
            top.put(None if is_null else value, line)

    def start(self, event: Any) -> None:
        """Open a list or a mapping."""
        line = self.first + event.start_mark.line
        is_marked = event.anchor is not None or event.tag not in _UNMARKED
        if is_marked or len(self.above) >= MAX_DEPTH or self.count > MAX_NODES:
            raise self.rejection(event, line)
        if self.top.items is None and self.top.key is None:
            raise ArticleError(Reason.YAML_KEY, "a key that is not text: write a name", line)
        self.above.append(self.top)
        self.top = _Open([] if type(event) is yaml.SequenceStartEvent else None, {}, line)

    def end(self, event: Any) -> None:
        """Close a list or a mapping."""
        done, self.top = self.top, self.above.pop()
        self.top.put(done.fields if done.items is None else tuple(done.items), done.line)

    def alias(self, event: Any) -> None:
        """Reject an alias."""
        raise self.rejection(event, self.first + event.start_mark.line)

    def document(self, event: Any) -> None:
        """Reject a second document."""
        if self.roots:
            line = self.first + event.start_mark.line
            raise ArticleError(Reason.YAML_MULTI, "a second YAML document: keep one", line)

    def rejection(self, event: Any, line: int) -> ArticleError:
        """Return the error for an anchor, alias or tag, and for too many or too deep values."""
        if event.anchor is not None:
            message = "an anchor (&) or alias (*): write the value out, or quote the text"
            return ArticleError(Reason.YAML_ALIAS, message, line)
        if getattr(event, "tag", None) not in _UNMARKED:
            return ArticleError(Reason.YAML_TAG, "a tag (!): remove it, or quote the text", line)
        if self.count > MAX_NODES:
            message = f"more than {MAX_NODES} values: shorten it"
            return ArticleError(Reason.TOO_COMPLEX, message, line)
        message = f"nested deeper than {MAX_DEPTH}: flatten it, or quote the text"
        return ArticleError(Reason.YAML_DEPTH, message, line)


_HANDLERS: dict[type, Callable[[_Tree, Any], None]] = {
    yaml.ScalarEvent: _Tree.scalar,
    yaml.SequenceStartEvent: _Tree.start,
    yaml.MappingStartEvent: _Tree.start,
    yaml.SequenceEndEvent: _Tree.end,
    yaml.MappingEndEvent: _Tree.end,
    yaml.AliasEvent: _Tree.alias,
    yaml.DocumentStartEvent: _Tree.document,
}


def _remember_key(mapping: _Open, key: str, line: int, above: list[_Open]) -> None:
    if key == "<<":
        raise ArticleError(Reason.YAML_ALIAS, "a merge key (<<): write the values out", line)
    if key in mapping.fields:
        # Nested keys may be secret, so the message names the outermost key only.
        outermost = above[1].key if len(above) > 1 else key
        raise ArticleError(
            Reason.YAML_DUPLICATE_KEY, GIVEN_TWICE, line, _printable(outermost or "")
        )
    mapping.key, mapping.key_line = key, line


def _printable(key: str) -> str:
    """Return a key for a report: short, without control characters for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in key[:40])
