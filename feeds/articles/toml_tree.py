"""A bounded TOML parser: text to the same tree of nodes as YAML, with every scalar as text."""

import re
import tomllib
from datetime import date, datetime, time
from typing import Any

from feeds.articles.fields import Fields
from feeds.articles.yaml_tree import MAX_DEPTH, Node
from feeds.errors import ArticleError, Reason

#: Dots in one line: tomllib is quadratic in the parts of a key (89 s for 60,000 of them).
MAX_DOTS = 200

_PLACE = re.compile(r"at line ([0-9]+)")


def parse(text: str, first_line: int) -> Fields:
    """Return the fields of a TOML document, which begins at ``first_line`` of its file.

    Raise ArticleError for bad syntax, and for more depth than any article needs.
    """
    for number, line in enumerate(text.split("\n"), first_line):
        if line.count(".") > MAX_DOTS:
            message = f"over {MAX_DOTS} dots in one line: break it"
            raise ArticleError(Reason.TOO_COMPLEX, message, number)
    try:
        found = tomllib.loads(text)
        lines = _lines(text, first_line)
        return {
            key: _node(value, lines, lines.get(key, first_line), 1) for key, value in found.items()
        }
    except ValueError as error:
        # Besides bad syntax, a number of over 4,300 digits, which Python neither reads nor writes.
        # Without the message, which may quote a value.
        place = _PLACE.search(str(error))
        wrong = first_line + (int(place[1]) - 1 if place else text.count("\n"))
        message = "not TOML: put texts in quotes, and give each key once"
        raise ArticleError(Reason.YAML_SYNTAX, message, wrong) from None
    except RecursionError:
        message = f"nested deeper than {MAX_DEPTH}: flatten it"
        raise ArticleError(Reason.YAML_DEPTH, message, first_line) from None


def _lines(text: str, first_line: int) -> dict[str, int]:
    """Return the first line of each key; tomllib keeps none."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), first_line):
        # A key, or the header of a table by the last part of its name.
        name = line.partition("=")[0].partition("]")[0].rpartition(".")[2]
        found.setdefault(name.strip("[ \t\"'"), number)
    return found


def _node(value: Any, lines: dict[str, int], line: int, depth: int) -> Node:
    if depth > MAX_DEPTH:
        message = f"nested deeper than {MAX_DEPTH}: flatten it"
        raise ArticleError(Reason.YAML_DEPTH, message, line)
    if isinstance(value, dict):
        inner = {
            key: _node(each, lines, lines.get(key, line), depth + 1) for key, each in value.items()
        }
        return Node(inner, line)
    if isinstance(value, list):
        return Node(tuple(_node(each, lines, line, depth + 1) for each in value), line)
    if isinstance(value, bool):
        return Node("true" if value else "false", line)
    if isinstance(value, datetime | date | time):
        return Node(value.isoformat(), line)
    return Node(str(value), line)
