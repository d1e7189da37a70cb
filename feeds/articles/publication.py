"""Whether a file is public, and when that changes: by its path and by the keys that say so.

Every generator, editor and export has its own way to hide an article. All of them hide it here,
whoever wrote the file: a value that is not plainly public hides too.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from feeds.articles.fields import in_utc, instant
from feeds.articles.text import bare
from feeds.articles.yaml_tree import NULLS, Node
from feeds.errors import ArticleError, Embargoed, Reason

#: Takes the name of a key, its value and the time, in seconds UTC. Returns when the value
#: withdraws the article, if ever; raises ArticleError when the article is not public.
Rule = Callable[[str, Node, int], int | None]

# What YAML 1.1 reads as a boolean; other programs than Tributary may have written these files.
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

_DRAFT_FOLDERS = {"drafts", "_drafts"}


def refuse_path(path: str) -> None:
    """Raise ArticleError for a file that its path below the content folder makes a draft."""
    *folders, name = map(bare, path.split("/"))
    if not _DRAFT_FOLDERS.isdisjoint(folders):
        raise ArticleError(Reason.DRAFT, "in a folder of drafts: move it out to publish it")
    if name.startswith("_") or name.endswith(".draft.md"):
        message = "a draft by its name: take '_' or '.draft' out of it to publish it"
        raise ArticleError(Reason.DRAFT, message)


def expiry(fields: Iterable[tuple[str, Node]], now: int) -> int | None:
    """When the article of a front matter is to be withdrawn, in seconds UTC; None when never.

    Raise ArticleError when the article is not public now, whatever else is wrong with the file.
    """
    errors: list[ArticleError] = []
    moments: list[int] = []
    for spelt, node in fields:
        if found := _rule_of(spelt):
            key, rule = found
            try:
                _refuse_misspelt(spelt, key, node)
                if (moment := rule(key, node, now)) is not None:
                    moments.append(moment)
            except ArticleError as error:
                errors.append(error)
    if errors:
        raise min(errors, key=_weakness)
    return min(moments, default=None)


def name_of(key: str) -> str | None:
    """The usual spelling of a key that has a say in what is public; None for any other key."""
    found = _rule_of(key)
    return found[0] if found else None


def glimpse(text: bytes) -> Iterator[tuple[str, Node]]:
    """The keys and values that a front matter seems to have which cannot be parsed.

    A slip in YAML must not leave an article served that the same file hides.
    """
    # The last line may be half written.
    whole = text.rpartition(b"\n")[0].decode("utf-8-sig", "replace")
    lines = [line.rstrip() for line in whole.splitlines()]
    marks = ("---", "")
    begin = next((place for place, line in enumerate(lines) if line not in marks), 0)
    rest = lines[begin:]
    # Without a closing fence the text begins after the first blank line, at the latest.
    end = next((rest.index(mark) for mark in marks if mark in rest), len(rest))
    for number, line in enumerate(rest[:end], begin + 1):
        key, colon, value = line.partition(":")
        is_key = colon and line[0] != "#" and not line[0].isspace()
        if is_key and (not value or value[0].isspace()):
            shown = re.split(r"\s#", value, maxsplit=1)[0].strip().strip("\"'")
            yield key.strip("\"'"), Node(None if shown in NULLS else shown, number)


def _rule_of(key: str) -> tuple[str, Rule] | None:
    """The name and the rule of a key, if it has one."""
    folded = _folded(key)
    return _RULES.get(folded) or _RULES.get(folded.removeprefix("is"))


def _folded(key: str) -> str:
    """One spelling for ``expiry_date``, ``Expiry-Date`` and ``expiryDate``."""
    plain = bare(key)
    return plain if plain.isalnum() else "".join(filter(str.isalnum, plain))


def _refuse_misspelt(spelt: str, key: str, node: Node) -> None:
    """Refuse one of our own keys in other letter case: other programs spell theirs as they like."""
    if key in _OWN and spelt != key and bare(spelt) == key:
        raise misspelt(key, node)


def misspelt(key: str, node: Node) -> ArticleError:
    """The error for a key that is spelt a little differently."""
    reason = Reason.BAD_PUBLISHED if key == "published" else Reason.YAML_KEY
    message = f"letter case and invisible characters count: write it as {key}"
    return ArticleError(reason, message, node.line, key)


def _weakness(error: ArticleError) -> int:
    """The order in which several reasons are reported: an embargo ends by itself."""
    order = (Reason.WITHDRAWN, Reason.DRAFT)
    if error.reason in order:
        return order.index(error.reason)
    return len(order) + (error.reason is Reason.EMBARGOED)


def _is_among(node: Node, spellings: set[str]) -> bool:
    # Only text can be looked for in a set: lists and mappings have no hash.
    return isinstance(node.value, str) and node.value in spellings


def _draft(key: str, node: Node, message: str) -> ArticleError:
    return ArticleError(Reason.DRAFT, message, node.line, key)


def _neither(key: str, node: Node) -> ArticleError:
    message = "neither true nor false: write one of them, or remove the key"
    # The reason that these two keys have had from the beginning.
    reason = Reason.BAD_TYPE if key in ("deleted", "removed") else Reason.BAD_PUBLISHED
    return ArticleError(reason, message, node.line, key)


def _shows(key: str, node: Node, now: int) -> None:
    """Public when true, and only then."""
    if _is_among(node, _FALSE):
        raise _draft(key, node, f"{key} is false")
    if not _is_among(node, _TRUE):
        raise _neither(key, node)


def _hides(key: str, node: Node, now: int) -> None:
    """Public when false, and only then."""
    if _is_among(node, _YES):
        raise _draft(key, node, f"{key} is true")
    if not _is_among(node, _NO):
        raise _neither(key, node)


def _withdraws(key: str, node: Node, now: int) -> None:
    """Withdrawn when true, public when false."""
    if _is_among(node, _YES):
        raise ArticleError(Reason.WITHDRAWN, f"{key} is true", node.line, key)
    if not _is_among(node, _NO):
        raise _neither(key, node)


def _names(key: str, node: Node, now: int) -> None:
    """Public when it says so in a word."""
    word = node.value.casefold() if isinstance(node.value, str) else None
    if word in _NOT_PUBLIC:
        raise _draft(key, node, f"{key} is not public")
    if word not in _PUBLIC:
        message = "not known to be public: write published, or remove the key"
        raise ArticleError(Reason.BAD_PUBLISHED, message, node.line, key)


def _locks(key: str, node: Node, now: int) -> None:
    """Public when empty."""
    if node.value:
        raise _draft(key, node, f"readers need its {key}")


def _ends(key: str, node: Node, now: int) -> int | None:
    """Public until then; without end when empty."""
    if not node.value:
        return None
    moment = instant(node, key)
    if moment <= now:
        error = ArticleError(Reason.WITHDRAWN, f"expired {in_utc(moment)}", node.line, key)
        error.expired = moment
        raise error
    return moment


def _begins(key: str, node: Node, now: int) -> None:
    """Public from then on, beside the date of the article itself; when empty, by that alone."""
    if node.value and (moment := instant(node, key)) > now:
        raise Embargoed(f"not served before {in_utc(moment)}", node.line, key, due=moment)


def _builds(key: str, node: Node, now: int) -> None:
    """Public unless its own generator makes no page of it, or lists it nowhere."""
    inner = node.value if isinstance(node.value, dict) else {}
    for name, choice in inner.items():
        if bare(name) in ("render", "list") and not _is_among(choice, _BUILT):
            raise _draft(key, node, "its page is not built, or not listed")


def _leads(key: str, node: Node, now: int) -> None:
    """Public unless its own generator writes it nowhere."""
    if _is_among(node, _NO):
        raise _draft(key, node, f"{key} is false")


_OWN = {"published", "deleted", "removed"}

#: By rule; who reads the key is named where it is not most of them.
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

#: Every key that has a say in what is public, as it is documented.
KEYS = frozenset(name for _, names in _KEYS for name in names)

_RULES = {_folded(name): (name, rule) for rule, names in _KEYS for name in names}
