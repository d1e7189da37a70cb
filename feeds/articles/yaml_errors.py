"""Advice on invalid YAML, in place of libyaml's messages, which name its internals."""

import yaml

_QUOTE = "put the text in quotes"

#: libyaml's messages, each to its most frequent cause and the remedy.
_ADVICE = {
    "mapping values are not allowed in this context": (
        f"': ' inside a text, a line that is indented too far, or a line above without ': ':"
        f" {_QUOTE}, or correct the line"
    ),
    "found character that cannot start any token": (
        f"a tab, or a text that begins with @, % or `: indent with spaces, or {_QUOTE}"
    ),
    "found a tab character that violates indentation": "a tab: indent with spaces",
    "did not find expected alphabetic or numeric character": (
        f"a text that begins with * or &: {_QUOTE}"
    ),
    "did not find expected key": (
        "more after a closing quote or bracket, or a line that is indented otherwise than those"
        " above: put the whole text in quotes, or move the line"
    ),
    "did not find expected '-' indicator": (
        "a line that belongs to no entry of the list above: indent it as the others are"
    ),
    "could not find expected ':'": (
        "a line without ': ' after its key: write 'key: value', with the space, or in a list '- '"
    ),
    "did not find expected ',' or ']'": "a [ that is not closed, or a comma is missing: add it",
    "did not find expected ',' or '}'": "a { that is not closed, or a comma is missing: add it",
    "found unexpected end of stream": "a quote that is not closed: close it",
    "found unknown escape character": (
        "a backslash between double quotes: write two, or take single quotes"
    ),
    "block sequence entries are not allowed in this context": (
        f"a text that begins with '- ': {_QUOTE}, or begin a list on a line of its own"
    ),
    "did not find expected node content": (
        "a text that begins with a comma or a closing bracket, or a [ or { that is not closed:"
        f" {_QUOTE}, or close it"
    ),
    "did not find expected comment or line break": (
        f"a text that begins with > or |: {_QUOTE}, or begin it on the next line"
    ),
}

#: Contexts of an unclosed construct, whose error belongs to the line of its start.
_UNCLOSED = {
    "while scanning a quoted scalar",
    "while scanning a simple key",
    "while parsing a flow sequence",
    "while parsing a flow mapping",
}


def advice(error: yaml.MarkedYAMLError) -> str:
    """Return the cause and the remedy, without the text, which may be secret."""
    # problem is one of libyaml's fixed messages; the snippet of the mark would quote the text.
    problem = str(error.problem or "not YAML")
    return _ADVICE.get(problem, f"{problem}: correct the YAML here")


def place(error: yaml.MarkedYAMLError) -> int:
    """Return the line to correct, from 0."""
    mark = error.context_mark if error.context in _UNCLOSED else error.problem_mark
    return mark.line if mark else 0
