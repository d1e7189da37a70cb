"""All that is wrong with a file, not only what is met first.

Reading stops at the first fault. Here it goes on: the fault is taken out of what was read, which
is then read once more. So there is one reader, and the server does not pay for this.
"""

import re

from feeds.articles import publication
from feeds.articles.fields import Fields
from feeds.articles.front_matter import Context, interpret, read
from feeds.articles.text import bare
from feeds.articles.yaml_tree import Node
from feeds.errors import ArticleError

#: Thousands of wrong entries are reported by the first ones.
MAX_FAULTS = 50

#: Values without fault, for keys that an article cannot do without.
_SOUND = {
    "title": "title",
    "date": "1970-01-01",
    "publishedDateTime": "1970-01-01",
    "webUrl": "https://fault.invalid/",
    "originalUrl": "https://fault.invalid/",
}

# ``images[2].url``
_STEP = re.compile(r"[^.\[\]]+")


def faults(text: bytes, path: str, context: Context) -> tuple[ArticleError, ...]:
    """Return the faults of a file that is rejected, in the order in which reading meets them."""
    try:
        fields, body = read(text, context.now)
    except ArticleError as error:
        # Nothing else can be made out, but for what hides the article.
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
            if not error.key:
                body = ""
            else:
                _take_out(fields, error, error.key)
    return tuple(found)


def _is_same(error: ArticleError, other: ArticleError) -> bool:
    return (error.reason, error.key, error.line) == (other.reason, other.key, other.line)


def _take_out(fields: Fields, error: ArticleError, key: str) -> None:
    """Take the value that an error names out of a front matter, as if it were without fault."""
    first, *further = _STEP.findall(key)
    spelt = next((name for name in fields if _is_meant(name, fields[name], first, error)), first)
    node = fields.pop(spelt, None)
    if spelt != first and publication.name_of(spelt) is None and node:
        fields.setdefault(first, node)
    elif first in _SOUND:
        fields[first] = Node(_SOUND[first], 1)
    elif further and node:
        fields[first] = _without(node, further)


def _is_meant(name: str, node: Node, key: str, error: ArticleError) -> bool:
    """Whether an error, which names a key in its usual spelling, is about this one."""
    return node.line == error.line and (
        publication.name_of(name) == key or (name != key and bare(name) == bare(key))
    )


def _without(node: Node, steps: list[str]) -> Node:
    """Return a value in which nothing stands at a place inside it."""
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
