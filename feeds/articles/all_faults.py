"""Finds all faults of a file, for ``flask check``.

The parser stops at the first fault. This module removes the fault from the fields and interprets
them again, until none is left: so one parser suffices, and the server pays nothing for this.
"""

import re

from feeds.articles import publication
from feeds.articles.fields import Fields
from feeds.articles.front_matter import Context, interpret, read
from feeds.articles.text import bare
from feeds.articles.yaml_tree import Node
from feeds.errors import ArticleError, Reason

#: Limit of the faults reported for one file.
MAX_FAULTS = 50

#: Valid values for the required keys.
_VALID = {
    "title": "title",
    "date": "1970-01-01",
    "publishedDateTime": "1970-01-01",
    "webUrl": "https://fault.invalid/",
    "originalUrl": "https://fault.invalid/",
}

# ``images[2].url``
_STEP = re.compile(r"[^.\[\]]+")


def faults(text: bytes, path: str, context: Context) -> tuple[ArticleError, ...]:
    """Return the faults of a rejected file, in the order in which the parser finds them."""
    try:
        fields, body = read(text, context)
    except ArticleError as error:
        # Without fields, only a key that hides the article can be found besides.
        return (error, error.hidden) if error.hidden else (error,)
    found: list[ArticleError] = []
    while len(found) < MAX_FAULTS:
        try:
            interpret(fields, body, path, context)
            break
        except ArticleError as error:
            if error.reason.is_deliberate or (found and _is_same(error, found[-1])):
                break
            found.append(error)
            _remove(fields, error, str(error.key))
    return tuple(found)


def _is_same(error: ArticleError, other: ArticleError) -> bool:
    return (error.reason, error.key, error.line) == (other.reason, other.key, other.line)


def _remove(fields: Fields, error: ArticleError, key: str) -> None:
    """Remove or replace the value that an error names, so that it causes no further error."""
    first, *further = _STEP.findall(key)
    spelt = next((name for name in fields if _is_subject(name, fields[name], first, error)), first)
    node = fields.pop(spelt, None)
    if spelt != first and publication.name_of(spelt) is None and node:
        fields.setdefault(first, node)
    elif first in _VALID or _is_date(error, spelt):
        fields[spelt] = Node(_VALID.get(first, _VALID["date"]), 1)
    elif further and node:
        fields[first] = _without(node, further)


def _is_date(error: ArticleError, key: str) -> bool:
    """Return True if an error is about a date of the article itself, in a declared folder's key."""
    return error.reason is Reason.BAD_DATE and publication.name_of(key) is None


def _is_subject(name: str, node: Node, key: str, error: ArticleError) -> bool:
    """Return True if an error, which names a key in canonical spelling, is about this field."""
    return node.line == error.line and (
        publication.name_of(name) == key or (name != key and bare(name) == bare(key))
    )


def _without(node: Node, steps: list[str]) -> Node:
    """Return a value with null at a place inside it."""
    if not steps:
        return Node(None, node.line)
    step, *further = steps
    value = node.value
    if isinstance(value, dict) and step in value:
        value = value | {step: _without(value[step], further)}
    elif isinstance(value, tuple) and step.isdigit():
        place = int(step)
        value = (*value[:place], _without(value[place], further), *value[place + 1 :])
    return Node(value, node.line)
