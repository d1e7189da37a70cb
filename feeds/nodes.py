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
#: Values in one front matter; the largest real article has about 300.
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
        """The value as a mapping; nothing is the empty one. Raise ArticleError for anything else."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.wrong(key, "a mapping, one 'key: value' a line")
        return self.value

    def wrong(self, key: str, wanted: str) -> ArticleError:
        """The error for a value of another type than the wanted one."""
        found = type_names[type(self.value)]
        return ArticleError(
            Reason.BAD_TYPE, f"is {found}: write it as {wanted}", self.line, key
        )


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


def _build(events: Iterator[yaml.Event], first_line: int) -> Node:
    stack: list[_Open] = []
    root: Node | None = None
    count = 0
    for event in events:
        line = event.start_mark.line + first_line
        if isinstance(event, yaml.NodeEvent):
            count += 1
            _check(event, line, len(stack), count)
        match event:
            case yaml.ScalarEvent():
                if _takes_key(stack, event.value, line):
                    continue
                is_null = event.implicit[0] and event.value in _NULLS
                done = Node(None if is_null else event.value, line)
            case yaml.SequenceStartEvent():
                _refuse_as_key(stack, line)
                stack.append(_Open([], line))
                continue
            case yaml.MappingStartEvent():
                _refuse_as_key(stack, line)
                stack.append(_Open({}, line))
                continue
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                top = stack.pop()
                value = tuple(top.node) if isinstance(top.node, list) else top.node
                done = Node(value, top.line)
            case yaml.DocumentStartEvent() if root is not None:
                raise ArticleError(
                    Reason.YAML_MULTI, "a second YAML document: keep one", line
                )
            case _:
                continue
        if stack:
            _put(stack[-1], done)
        else:
            root = done
    return root or Node(None, first_line)


def _check(event: yaml.NodeEvent, line: int, depth: int, count: int) -> None:
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        message = "an anchor (&) or alias (*): write the value out, or quote the text"
        raise ArticleError(Reason.YAML_ALIAS, message, line)
    if event.tag is not None:
        raise ArticleError(Reason.YAML_TAG, "a tag (!): remove it, or quote the text", line)
    if depth >= MAX_DEPTH and not isinstance(event, yaml.ScalarEvent):
        message = f"nested deeper than {MAX_DEPTH}: flatten it, or quote the text"
        raise ArticleError(Reason.YAML_DEPTH, message, line)
    if count > MAX_NODES:
        raise ArticleError(Reason.TOO_COMPLEX, f"more than {MAX_NODES} values: shorten it", line)


def _takes_key(stack: list[_Open], value: str, line: int) -> bool:
    """Whether the scalar is the next key of the innermost mapping, which then remembers it."""
    if not stack or not isinstance(stack[-1].node, dict) or stack[-1].key is not None:
        return False
    if value == "<<":
        raise ArticleError(Reason.YAML_ALIAS, "a merge key (<<): write the values out", line)
    if value in stack[-1].node:
        message = "given twice: keep one, since nobody can tell which was meant"
        raise ArticleError(Reason.YAML_DUPLICATE_KEY, message, line, _printable(value))
    stack[-1].key, stack[-1].key_line = value, line
    return True


def _refuse_as_key(stack: list[_Open], line: int) -> None:
    if stack and isinstance(stack[-1].node, dict) and stack[-1].key is None:
        raise ArticleError(Reason.YAML_KEY, "a key that is not text: write a name", line)


def _put(parent: _Open, node: Node) -> None:
    if isinstance(parent.node, list):
        parent.node.append(node)
    else:
        assert parent.key is not None
        parent.node[parent.key] = Node(node.value, parent.key_line)
        parent.key = None


def _printable(key: str) -> str:
    """A key as it may stand in a report: short, and nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in key[:40])
