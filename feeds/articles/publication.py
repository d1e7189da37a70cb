"""Decides whether a file is public, and when that changes, by its path and its keys.

Every generator, editor and export has its own way to hide an article. All of them hide it here,
in every folder: a value that is not plainly public hides too.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from feeds.articles.fields import in_utc, instant
from feeds.articles.file_names import without_ending
from feeds.articles.text import bare
from feeds.articles.yaml_tree import NULLS, Node
from feeds.errors import ArticleError, Embargoed, Reason

#: Takes the name of a key, its value and the time, in seconds UTC. Returns when the value
#: withdraws the article, if ever; raises ArticleError when the article is not public.
Rule = Callable[[str, Node, int], int | None]

# The booleans of YAML 1.1, since other programs than Tributary may have written these files.
_TRUE, _FALSE = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
_YES = _TRUE | {"yes", "Yes", "YES", "on", "On", "ON"}
_NO = _FALSE | {"no", "No", "NO", "off", "Off", "OFF"}

#: Values of `status` and `visibility` that are plainly public, and those that plainly are not.
_PUBLIC = {"public", "publish", "published", "live", "featured"}
_NOT_PUBLIC = {
    *("archived", "auto-draft", "draft", "future", "hidden", "inherit", "internal", "members"),
    *("paid", "password", "pending", "private", "scheduled", "sent", "skip", "tiers", "trash"),
    *("unlisted", "unpublished"),
}
#: Values of `render` and `list` in Hugo's `build` with which the page and its lists are made.
_BUILT = {"always"} | _TRUE
_UNBUILT = {"never", "local", "link"}
#: The remedy for a wrong `status` or `visibility`.
_PUBLISH = "write published, or remove the key"

#: Lines of an unparsable front matter that are looked at, and keys in one of its lines.
MAX_GLIMPSED = 20_000

_DRAFT_FOLDERS = {"drafts", "_drafts"}

_FENCE = re.compile(r"\s*(?:-{3,}\s*\w*|\+{3})")
_FLOW = re.compile(r"[{,]")
#: A key whose value is nested below it, or is text in the lines below it.
_OPENER = re.compile(r":(?:\s+[|>][-+0-9]*)?(?:\s+#.*)?$")
# The wide ones are those of Chinese and Japanese keyboards.
_SEPARATOR = re.compile("[:=\uff1a\uff1d]")
_BEFORE_KEY = re.compile(r"^[\s?\-({\[]*(?:[&!*]\S*\s+)?[\"']*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")


def refuse_path(path: str) -> None:
    """Raise ArticleError for a file that its path below the content folder makes a draft."""
    *folders, name = map(bare, path.split("/"))
    if not _DRAFT_FOLDERS.isdisjoint(folders):
        raise ArticleError(Reason.DRAFT, "in a folder of drafts: move it out to publish it")
    if name.startswith("_") or without_ending(name).endswith(".draft"):
        message = "a draft by its name: take '_' or '.draft' out of it to publish it"
        raise ArticleError(Reason.DRAFT, message)


def expiry(fields: Iterable[tuple[str, Node]], now: int) -> int | None:
    """Return when to withdraw the article of a front matter, in seconds UTC; None for never.

    Raise ArticleError if the article is not public now, before any other error of the file.
    """
    errors: list[ArticleError] = []
    moments: list[int] = []
    for name, value in fields:
        if found := _rule_of(name):
            key, rule = found
            spelt, node = _separated(name, value)
            try:
                _refuse_misspelt(spelt, key, node)
                if (moment := rule(key, node, now)) is not None:
                    moments.append(moment)
            except ArticleError as error:
                errors.append(error)
    if errors:
        raise min(errors, key=_weakness)
    return min(moments, default=None)


def begin(key: str, node: Node, now: int) -> int:
    """Return the moment from which an article is served, in seconds UTC.

    Raise Embargoed until then, and ArticleError if the value is no date.
    """
    moment = instant(node, key)
    if moment > now:
        raise Embargoed(f"not served before {in_utc(moment)}", node.line, key, due=moment)
    return moment


def name_of(key: str) -> str | None:
    """Return the usual spelling of a key that decides what is public; None for any other key."""
    found = _rule_of(key)
    return found[0] if found else None


def says_when(key: str) -> bool:
    """Return True for a key that shows an article if it is true, and may hold a date instead."""
    found = _rule_of(key)
    return found is not None and found[1] is _shows


def holds_date(key: str) -> bool:
    """Return True for a key that hides an article until a date, or from one on."""
    found = _rule_of(key)
    return found is not None and found[1] in (_begins, _ends)


def glimpse(text: bytes) -> Iterator[tuple[str, Node]]:
    """Yield the keys and values that an unparsable front matter seems to have.

    A slip in the syntax must not leave an article served that the same file hides. Syntax is
    therefore read generously: a false alarm takes down the article of a broken file only.
    """
    lines = _lines(text)
    begin, end = _front_matter(lines)
    is_flow = begin < end and lines[begin].lstrip().startswith("{")
    for number, line in _outside_nested(lines, begin, end):
        for part in _FLOW.split(line, maxsplit=MAX_GLIMPSED) if is_flow else (line,):
            key, value = _pair(part)
            if key:
                yield key, Node(None if value in NULLS else value, number)


def _lines(text: bytes) -> list[str]:
    """Return the complete lines of a text in any encoding that keeps ASCII."""
    # Without its zero bytes, ASCII in UTF-16 and UTF-32 is ASCII.
    decoded = text.replace(b"\0", b"").decode("utf-8-sig", "replace").lstrip("\ufeff\ufffd")
    lines = decoded.splitlines(keepends=True)[:MAX_GLIMPSED]
    # The last line may be half written.
    if lines and lines[-1] == lines[-1].rstrip("\r\n"):
        lines.pop()
    return [_ESCAPE.sub(_unescaped, line.rstrip()) for line in lines]


def _front_matter(lines: list[str]) -> tuple[int, int]:
    """Return where the front matter begins and ends, with or without its fences."""
    marks = ["" if not line else "---" if _FENCE.fullmatch(line) else "key" for line in lines]
    begin = marks.index("key") if "key" in marks else len(marks)
    is_opened = "---" in marks[:begin]
    # Anything may stand before an opening fence by mistake: look behind the first fence then.
    after = begin if is_opened or "---" not in marks else marks.index("---") + 1
    # Without a closing fence the text begins after the first blank line, at the latest.
    ends = (marks.index(mark, after) for mark in ("---", "") if mark in marks[after:])
    return begin, next(ends, len(marks))


def _outside_nested(lines: list[str], begin: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not inside the value of a key, each with its number."""
    opener: int | None = None
    for number, line in enumerate(lines[begin:end], begin + 1):
        content = line.lstrip()
        indent = len(line) - len(content)
        is_inside = opener is not None and (
            indent > opener or (indent == opener and content.startswith("-"))
        )
        if not content or content.startswith("#") or is_inside:
            continue
        opener = indent if _OPENER.search(content) else None
        yield number, content


def _pair(text: str) -> tuple[str, str]:
    """Return the key at the beginning of a text, and its value; both may be empty."""
    key, *values = _SEPARATOR.split(_BEFORE_KEY.sub("", text), maxsplit=1)
    shown = re.split(r"\s#", "".join(values), maxsplit=1)[0].strip(" \t,;}]")
    return key.strip(" \t\"'}],"), shown.strip("\"'")


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1] or escape[2], 16))


def _rule_of(key: str) -> tuple[str, Rule] | None:
    """Return the name and the rule of a key, if it has one."""
    # Most keys have only letters and digits, and no separator: the rest takes most of the time.
    is_plain = key.isascii() and key.isalnum()
    name = key.lower() if is_plain else folded(_SEPARATOR.split(key, maxsplit=1)[0])
    return _RULES.get(name) or _RULES.get(name.removeprefix("is"))


def _separated(key: str, node: Node) -> tuple[str, Node]:
    """Return a key and its value where YAML takes both for the key: ``{draft:true}``."""
    name, *values = _SEPARATOR.split(key, maxsplit=1)
    return (name, Node(values[0].strip() or node.value, node.line)) if values else (key, node)


def folded(key: str) -> str:
    """Return one spelling for ``expiry_date``, ``Expiry-Date`` and ``expiryDate``."""
    plain = bare(key)
    return plain if plain.isalnum() else "".join(filter(str.isalnum, plain))


def _refuse_misspelt(spelt: str, key: str, node: Node) -> None:
    """Reject a key of this program in other letter case; keys of other programs vary in theirs."""
    if key in _OWN and spelt != key and bare(spelt) == key:
        raise misspelt(key, node)


def misspelt(key: str, node: Node) -> ArticleError:
    """Return the error for a near-miss spelling of a key."""
    reason = Reason.BAD_PUBLISHED if key == "published" else Reason.YAML_KEY
    message = f"letter case and invisible characters count: write it as {key}"
    return ArticleError(reason, message, node.line, key)


def _weakness(error: ArticleError) -> int:
    """Return the rank of a reason among several: an embargo is the weakest, since it ends."""
    order = (Reason.WITHDRAWN, Reason.DRAFT)
    if error.reason in order:
        return order.index(error.reason)
    return len(order) + (error.reason is Reason.EMBARGOED)


def _is_among(node: Node, spellings: set[str]) -> bool:
    # Only text can be looked for in a set: lists and mappings have no hash.
    return isinstance(node.value, str) and node.value in spellings


def _is_empty(node: Node) -> bool:
    # An empty list or mapping is none of the values that these keys have.
    return node.value is None or node.value == ""


def _is_number(node: Node) -> bool:
    return isinstance(node.value, str) and re.fullmatch(r"[0-9][0-9.]*", node.value) is not None


def _draft(key: str, node: Node, message: str) -> ArticleError:
    return ArticleError(Reason.DRAFT, message, node.line, key)


def _unclear(key: str, node: Node, message: str) -> ArticleError:
    return ArticleError(Reason.BAD_PUBLISHED, message, node.line, key)


def _neither(key: str, node: Node) -> ArticleError:
    message = "neither true nor false: write one of them, or remove the key"
    # The reason that these two keys have had from the beginning.
    reason = Reason.BAD_TYPE if key in ("deleted", "removed") else Reason.BAD_PUBLISHED
    return ArticleError(reason, message, node.line, key)


def _shows(key: str, node: Node, now: int) -> None:
    """Public only if true."""
    if _is_among(node, _NO):
        message = f"{key} is false: remove the line, or write true, to publish it"
        raise _draft(key, node, message)
    if not _is_among(node, _YES):
        raise _neither(key, node)


def _hides(key: str, node: Node, now: int, reason: Reason = Reason.DRAFT) -> None:
    """Public only if false; ``reason`` is that of an article that is not."""
    if _is_among(node, _YES):
        message = f"{key} is true: remove the line, or write false, to publish it"
        raise ArticleError(reason, message, node.line, key)
    if not _is_among(node, _NO):
        raise _neither(key, node)


_withdraws = partial(_hides, reason=Reason.WITHDRAWN)


def _names(key: str, node: Node, now: int) -> None:
    """Public if it is a word that means so."""
    word = node.value.casefold() if isinstance(node.value, str) else None
    if word in _NOT_PUBLIC:
        raise _draft(key, node, f"{key} is not public: {_PUBLISH}")
    if word not in _PUBLIC:
        raise _unclear(key, node, f"not known to be public: {_PUBLISH}")


def _locks(key: str, node: Node, now: int) -> None:
    """Public if empty."""
    if not _is_empty(node):
        raise _draft(key, node, f"readers need its {key}: remove the line to publish it")


def _ends(key: str, node: Node, now: int) -> int | None:
    """Public until its moment; without end if empty."""
    if _is_empty(node):
        return None
    moment = instant(node, key)
    if moment <= now:
        message = f"expired {in_utc(moment)}: write a later date, or remove the line, to publish it"
        error = ArticleError(Reason.WITHDRAWN, message, node.line, key)
        error.expired = moment
        raise error
    return moment


def _begins(key: str, node: Node, now: int) -> None:
    """Public from its moment on, in addition to the date of the article; no condition if empty."""
    if not _is_empty(node):
        begin(key, node, now)


def _builds(key: str, node: Node, now: int) -> None:
    """Public unless its own generator makes no page of it, or lists it nowhere."""
    message = "its page is not built, or not listed: write always, or remove the key"
    if isinstance(node.value, dict):
        for name, choice in node.value.items():
            if bare(name) in ("render", "list") and not _is_among(choice, _BUILT):
                raise _draft(key, node, message)
    elif _is_among(node, _NO | _UNBUILT):
        raise _draft(key, node, message)
    # Other programs keep the number of a build under this key.
    elif not (_is_empty(node) or _is_among(node, _BUILT) or _is_number(node)):
        raise _unclear(key, node, "not known to be public: write always, or remove the key")


def _leads(key: str, node: Node, now: int) -> None:
    """Public unless its own generator writes it nowhere."""
    message = f"{key} is false: write an address, or remove the line, to publish it"
    if _is_among(node, _NO):
        raise _draft(key, node, message)
    if not (_is_empty(node) or isinstance(node.value, str)):
        raise _unclear(key, node, "not an address: write one, or remove the key")


_OWN = {"published", "deleted", "removed"}

#: The keys of each rule; a program is named beside a key that few programs read.
_KEYS: tuple[tuple[Rule, tuple[str, ...]], ...] = (
    (_withdraws, ("deleted", "removed")),
    # `public`: Logseq; `render`: Zola; `visible`, `routable`: Grav.
    (_shows, ("published", "publish", "public", "render", "visible", "routable")),
    # `headless`: Hugo; the last: Eleventy.
    (_hides, ("draft", "drafts", "unlisted", "hidden", "private", "unpublished", "headless")),
    (_hides, ("eleventyExcludeFromCollections",)),
    # Pelican, Nikola, Ghost; exports of WordPress.
    (_names, ("status", "visibility", "post_status")),
    (_locks, ("password", "post_password")),
    # Hugo, Grav, Drupal.
    (_ends, ("expiryDate", "expires", "expiry", "expireDate", "expirationDate", "expiresAt")),
    (_ends, ("unpublishDate", "unpublishOn")),
    (_begins, ("publishDate", "pubDate", "publishOn")),
    (_builds, ("build",)),
    (_leads, ("permalink",)),
)

#: Every key that decides what is public, as it is documented.
KEYS = frozenset(name for _, names in _KEYS for name in names)

_RULES = {folded(name): (name, rule) for rule, names in _KEYS for name in names}
