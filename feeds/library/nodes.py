"""YAML read safely: text to a tree of nodes that know their lines. Meaning is for others to give.

Every scalar stays a string, so that ``no``, ``2020-06-30`` and ``1e3`` are what was written. What
can blow up a reader is refused while it streams past, before anything is composed: libyaml's own
composer is recursive and ends the process on deep nesting.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from feeds.errors import ArticleError, Reason

#: Brackets inside brackets; articles need 5.
MAX_DEPTH = 16
#: Values and ends of lists in one front matter; the largest real article has about 300.
MAX_NODES = 10_000

_NULLS = {"", "~", "null", "Null", "NULL"}

type_names = {dict: "a mapping", tuple: "a list", str: "text", type(None): "nothing"}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the line that it, or its key, stands on (from 1)."""

    value: "str | tuple[Node, ...] | dict[str, Node] | None"
    line: int

    def text(self, key: str) -> str:
        """The value as text; nothing is the empty text. Raise ArticleError for anything else."""
        if self.value is None:
            return ""
        if not isinstance(self.value, str):
            raise self.wrong(key, "text")
        return self.value

    def items(self, key: str) -> "tuple[Node, ...]":
        """The value as a list; nothing is the empty list. Raise ArticleError for anything else."""
        if self.value is None:
            return ()
        if not isinstance(self.value, tuple):
            raise self.wrong(key, "a list, one '- ' a line")
        return self.value

    def mapping(self, key: str) -> "dict[str, Node]":
        """The value as a mapping; nothing is an empty one. Raise ArticleError otherwise."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.wrong(key, "a mapping, one 'key: value' a line")
        return self.value

    def wrong(self, key: str, wanted: str) -> ArticleError:
        """The error for a value of another type than the wanted one."""
        found = type_names[type(self.value)]
        return ArticleError(Reason.BAD_TYPE, f"is {found}: write it as {wanted}", self.line, key)


def parse(text: str, first_line: int = 1) -> Node:
    """Parse one YAML document, whose first line is ``first_line`` of its file, to a node.

    Raise ArticleError for bad syntax, anchors, aliases, merge keys, tags, duplicate keys, keys
    that are not text, more than one document, and more depth or values than any article needs.
    """
    try:
        return _build(yaml.parse(text, Loader=yaml.CBaseLoader), first_line)
    except yaml.MarkedYAMLError as error:
        # A problem is one of libyaml's fixed sentences; the mark's snippet would quote the text.
        line = error.problem_mark.line + first_line if error.problem_mark else first_line
        problem = str(error.problem or "not YAML")
        raise ArticleError(Reason.YAML_SYNTAX, f"{problem}: mend the YAML here", line) from None
    except (yaml.YAMLError, UnicodeError):
        message = "a character that YAML does not allow: remove it"
        raise ArticleError(Reason.YAML_SYNTAX, message, first_line) from None


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been met."""

    node: "list[Node] | dict[str, Node]"
    line: int
    key: str | None = None
    key_line: int = 0

    def awaits_key(self) -> bool:
        """Whether the next scalar is a key."""
        return isinstance(self.node, dict) and self.key is None

    def closed(self) -> Node:
        """The finished node."""
        return Node(tuple(self.node) if isinstance(self.node, list) else self.node, self.line)


def _build(events: Iterator[yaml.Event], first_line: int) -> Node:
    """Put the tree together on a stack of our own, which cannot overflow."""
    stack: list[_Open] = []
    roots: list[Node] = []
    for count, event in enumerate(events):
        line = first_line + (event.start_mark.line if event.start_mark else 0)
        if isinstance(event, yaml.NodeEvent):
            _check(event, line, len(stack), count)
        if isinstance(event, yaml.DocumentStartEvent) and roots:
            raise ArticleError(Reason.YAML_MULTI, "a second YAML document: keep one", line)
        done = _take(event, stack, line)
        if done is not None:
            _put(stack, roots, done)
    return roots[0] if roots else Node(None, first_line)


def _take(event: yaml.Event, stack: list[_Open], line: int) -> Node | None:
    """Take one event onto the stack; return the node that it completes, if any."""
    match event:
        case yaml.ScalarEvent() if stack and stack[-1].awaits_key():
            _remember_key(stack[-1], event.value, line)
            return None
        case yaml.ScalarEvent():
            is_null = event.implicit[0] and event.value in _NULLS
            return Node(None if is_null else event.value, line)
        case yaml.CollectionStartEvent():
            if stack and stack[-1].awaits_key():
                raise ArticleError(Reason.YAML_KEY, "a key that is not text: write a name", line)
            stack.append(_Open([] if isinstance(event, yaml.SequenceStartEvent) else {}, line))
            return None
        case yaml.CollectionEndEvent():
            return stack.pop().closed()
    return None


def _check(event: yaml.NodeEvent, line: int, depth: int, count: int) -> None:
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        message = "an anchor (&) or alias (*): write the value out, or quote the text"
        raise ArticleError(Reason.YAML_ALIAS, message, line)
    if getattr(event, "tag", None) is not None:
        raise ArticleError(Reason.YAML_TAG, "a tag (!): remove it, or quote the text", line)
    if depth >= MAX_DEPTH and not isinstance(event, yaml.ScalarEvent):
        message = f"nested deeper than {MAX_DEPTH}: flatten it, or quote the text"
        raise ArticleError(Reason.YAML_DEPTH, message, line)
    if count > MAX_NODES:
        raise ArticleError(Reason.TOO_COMPLEX, f"more than {MAX_NODES} values: shorten it", line)


def _remember_key(mapping: _Open, key: str, line: int) -> None:
    if key == "<<":
        raise ArticleError(Reason.YAML_ALIAS, "a merge key (<<): write the values out", line)
    if key in mapping.node:
        message = "given twice: keep one, since nobody can tell which was meant"
        raise ArticleError(Reason.YAML_DUPLICATE_KEY, message, line, _printable(key))
    mapping.key, mapping.key_line = key, line


def _put(stack: list[_Open], roots: list[Node], node: Node) -> None:
    if not stack:
        roots.append(node)
        return
    parent = stack[-1]
    if isinstance(parent.node, list):
        parent.node.append(node)
    elif parent.key is not None:
        parent.node[parent.key] = Node(node.value, parent.key_line)
        parent.key = None


def _printable(key: str) -> str:
    """A key as it may stand in a report: short, and nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in key[:40])
