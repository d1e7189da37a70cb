"""Takes the code of other programs out of a Markdown body: shortcodes, Liquid tags, components.

Code that an article shows stays: listings, code spans, and what ``raw`` encloses. The picture of a
figure and the address of a video survive. All passes take linear time: no search for an end is
repeated after it failed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

#: Where an excerpt ends.
_MORE = re.compile(
    r"<!--[ \t]*(?:more|truncate|excerpt)[ \t]*-->|\{/\*[ \t]*(?:more|truncate)[ \t]*\*/\}",
    re.IGNORECASE,
)

#: Stands for code that was taken out, and (around a number) for a text that stays as it is.
_TAKEN, _KEPT = "\x01", "\x02"
_STANDIN = re.compile(f"{_KEPT}([0-9]+){_KEPT}")

#: The beginnings of removed code, except components and modules.
_SIGNS = ("{{", "{%", "<%", "{/*", "={", "{:", "{#", "\n::", ":::")
_CAPITAL = re.compile(r"</?[A-Z]")
_FENCE = re.compile(r"^[ \t>*+-]*(`{3,}|~{3,})([^`\n]*)$", re.MULTILINE)
_TICKS = re.compile(r"`+")
#: ``{% raw %}``, ``{{< highlight go >}}`` and their ends.
_LITERAL = re.compile(
    r"\{(?:%-?|\{[<%])\s{0,5}(?P<end>end|/)?(?P<name>raw|highlight)\b(?P<rest>[^%>}\n]{0,100})"
    r"(?:%\}\}?|>\}\})"
)
#: Tags on which the text of the article depends, so that it cannot be known here.
_CONTROL = re.compile(
    r"\{%[-+~]?\s*(?:end)?"
    r"(?:for|if|unless|case|capture|tablerow|while|block|macro|raw|highlight|comment)\b(?!\s*\()"
    r"|\{\{~?\s{0,5}[#^]|\{#(?:if|each|await|key|snippet)\s|<%(?![=#])"
)
#: The beginning, after its first brace, and the end of comments; inside ``raw``, which is last,
#: neither counts.
_COMMENTS = (
    (r"%-?\s{0,5}comment\b[^%}\n]{0,100}%\}", r"\{%-?\s{0,5}endcomment\s{0,5}-?%\}"),
    (r"::comment\}", r"\{:/(?:comment)?\}"),
    # An identifier of a heading (``{#boats}``) and code of a shell (``${#x}``) are no comments.
    (r"(?<![{$]\{)#(?![\w:.-][^{}#\n]{0,200}\}|\})", r"#\}"),
    (
        r"\{[<%]\s{0,5}comment\b[^{}\n]{0,100}[>%]\}\}",
        r"\{\{[<%]\s{0,5}/\s{0,5}comment\s{0,5}[>%]\}\}",
    ),
    (r"\{-?\s?/\*", r"\*/\s?-?\}\}"),
    (r"\{~?!--", r"--~?\}\}"),
    (r"%-?\s{0,5}raw\s{0,5}-?%\}", r"\{%-?\s{0,5}endraw\s{0,5}-?%\}"),
)
#: Groups with odd numbers are beginnings; the next group is the end.
_COMMENT_MARK = re.compile("|".join(rf"(\{{{begin})|({end})" for begin, end in _COMMENTS))
# With the brace in front, a search jumps from one to the next: 3 µs of 6 kB instead of 170.
_COMMENT_BEGIN = re.compile(rf"\{{(?:{'|'.join(begin for begin, _ in _COMMENTS)})")
_RAW_END = 2 * len(_COMMENTS)

_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,200}\}){0,200}\}){0,400}\}"
_ATTRIBUTE = rf"""\s+[A-Za-z_][\w:.-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|{_BRACES}))?"""
#: A component, or an element with an expression in it.
_COMPONENT = re.compile(
    rf"<(?P<end>/?)(?P<name>[A-Z][\w.]*|[a-z][\w-]*)(?P<attributes>(?:{_ATTRIBUTE}){{0,40}})"
    rf"(?:\s+{_BRACES})?\s*/?>"
)
_COMPONENT_END = re.compile(r"</([A-Z][\w.]*)>")
_EXPRESSION = re.compile(rf"(\s[\w:.-]+)\s*=\s*({_BRACES})")
_SHOWN_ATTRIBUTES = frozenset(("src", "href", "alt", "title", "width", "height"))
_VALUE = re.compile(r"""["'`]([^"'`\n]+)["'`]|^\{([0-9]{1,5})\}$""")
_MODULE = re.compile(
    r"^(?:import\s(?:[\w*,{}\s]{1,500}\sfrom\s+)?[\"'][^\"'\n]+[\"'];?[ \t]*$"
    r"|export\s+(?:const|let|var|function|default|async)\b.*(?:\n.+)*)",
    re.MULTILINE,
)
#: Lines of directives (``:::note``, ``::github{…}``), and lists of attributes (``{: .wide}``).
_DIRECTIVE = re.compile(
    r"^[ \t]*(?::{3,}.*|::\w+(?:\[[^\]\n]*\])?\{[^}\n]*\}[ \t]*)$", re.MULTILINE
)
_ATTRIBUTES = re.compile(r"[ \t]{0,4}\{:[^{}\n]*\}|(?<=\S)[ \t]+\{#[\w-]+\}[ \t]*$", re.MULTILINE)

#: The addresses of links and pictures, with what is before them.
_TARGETS = re.compile(
    r"(\]\()([^()\n]*)(?=\))|^([ \t]*\[[^\]\n]+\]:[ \t]*)([^\n]*)$"
    r"|((?:href|src)=[\"'])([^\"'\n]*)(?=[\"'])",
    re.MULTILINE,
)
_LEFT = ("{{", "{%", "<%")

_ARGUMENT = re.compile(r"""(?:([\w-]+)\s*=\s*)?(?:"([^"]*)"|'([^']*)'|([^\s,()"']+))""")
#: The arguments that hold an address, the most telling first; "" is one without a name.
_SOURCES = ("src", "url", "image", "img", "file", "path", "id", "", "href", "link")
_PICTURE = re.compile(r"[^\s<>]+\.(?:png|jpe?g|gif|webp|avif|svg)(?:\?[^\s<>]*)?", re.IGNORECASE)
_FILM = re.compile(r"[^\s<>]+\.(?:mp4|webm|mov|m4v|ogv|mp3)", re.IGNORECASE)
_PLAYER = re.compile(r"video|embed|iframe|player|audio|tweet|twitter", re.IGNORECASE)
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")
_EMPHASIS = str.maketrans("", "", "*`")
_WEB = re.compile(r"https?://[^\s<>]+")
#: The addresses of videos, by what the name of a shortcode holds.
_SERVICES = (
    ("youtube", re.compile(r"[\w-]{6,20}"), "https://www.youtube.com/watch?v="),
    ("vimeo", re.compile(r"[0-9]{5,12}"), "https://vimeo.com/"),
)
_LINK_FILTER = re.compile(
    r"""\s*["']([^"'{}\n]+)["']\s*\|\s*(?:relative_url|absolute_url|url)\s*"""
)
_SITE_ROOT = re.compile(r"-?\s*site\.(?:baseurl|url)\s*-?")


@dataclass(slots=True)
class _Body:
    """A body, and what was set aside of it."""

    text: str
    kept: list[str] = field(default_factory=list)
    taken: int = 0

    def keep(self, text: str) -> str:
        """Set a text aside; return what stands for it."""
        self.kept.append(text)
        return f"{_KEPT}{len(self.kept) - 1}{_KEPT}"

    def restored(self, text: str) -> str:
        """Return a text with all that was set aside in its place."""
        return _STANDIN.sub(lambda found: self.restored(self.kept[int(found[1])]), text)

    def take(self, replacement: str = _TAKEN) -> str:
        """Count a piece of code that is taken out; return what replaces it."""
        self.taken += 1
        return replacement


def end_of_excerpt(markdown: str) -> int | None:
    """Return the position of the mark that ends the excerpt of a body; None without one."""
    # Most bodies have no comment at all, which this look finds in a tenth of the time.
    found = _MORE.search(markdown) if "<!--" in markdown or "{/*" in markdown else None
    return found and found.start()


def without_comments(markdown: str) -> str:
    """Return a body without the comments of other programs, except in code that it shows.

    A comment without its end stays; ``without_template_code`` rejects it.
    """
    if not _COMMENT_BEGIN.search(markdown):
        return markdown
    body = _Body(markdown.replace(_TAKEN, "").replace(_KEPT, ""))
    body.text = "".join(_outside_fences(body))
    body.text = "".join(_outside_spans(body))
    return body.restored("".join(_outside_comments(body.text)))


def without_template_code(markdown: str, is_mdx: bool) -> tuple[str, int] | None:
    """Return a body without code of other programs, and how many pieces were taken out.

    None when code is left on which the text depends, or that has no end.
    """
    markdown = markdown.replace(_TAKEN, "").replace(_KEPT, "")
    # Most bodies have none, which these searches find in a tenth of the time.
    has_signs = any(sign in markdown for sign in _SIGNS)
    if not (has_signs or is_mdx or _CAPITAL.search(markdown)):
        return markdown, 0
    body = _Body(markdown)
    body.text = "".join(_outside_fences(body))
    body.text = "".join(_outside_literals(body))
    body.text = "".join(_outside_spans(body))
    body.text = _enclosed(body.text, "<!--", "-->", lambda inside: "")
    if _CONTROL.search(body.text) or _COMMENT_BEGIN.search(body.text):
        return None
    _take_components(body, is_mdx)
    if not has_signs:
        return body.restored(body.text.replace(_TAKEN, "")), body.taken
    _take_tags(body)
    if "::" in body.text:
        body.text = _DIRECTIVE.sub("", body.text)
    if "{:" in body.text or "{#" in body.text:
        body.text = _ATTRIBUTES.sub("", body.text)
    if any(sign in body.text for sign in _LEFT):
        return None
    text = _TARGETS.sub(_whole_target, body.text) if _TAKEN in body.text else body.text
    return body.restored(text.replace(f"<{_TAKEN}>", "").replace(_TAKEN, "")), body.taken


def _outside_fences(body: _Body) -> Iterator[str]:
    """Yield the text, with a stand-in for each listing between fences."""
    at = 0
    begin: re.Match[str] | None = None
    for found in _FENCE.finditer(body.text):
        if begin is None:
            begin = found
            yield body.text[at : found.start()]
        elif found[1].startswith(begin[1]) and not found[2].strip():
            yield body.keep(body.text[begin.start() : found.end()])
            at, begin = found.end(), None
    # An open fence ends with the body.
    yield body.keep(body.text[begin.start() :]) if begin else body.text[at:]


def _outside_comments(text: str) -> Iterator[str]:
    """Yield the text between comments, with what ``raw`` encloses; an open comment stays."""
    at = ending = 0
    for found in _COMMENT_MARK.finditer(text):
        group = found.lastindex or 0
        if not ending and group % 2:
            yield text[at : found.start()]
            at, ending = found.start(), group + 1
        elif group == ending:
            if ending == _RAW_END:
                yield text[at : found.end()]
            at, ending = found.end(), 0
    yield text[at:]


def _outside_literals(body: _Body) -> Iterator[str]:
    """Yield the text, with a stand-in for what ``raw`` and ``highlight`` enclose."""
    at = 0
    begin: re.Match[str] | None = None
    for found in _LITERAL.finditer(body.text):
        if begin is None and not found["end"]:
            begin = found
            yield body.text[at : found.start()]
            at = found.end()
        elif begin and found["end"] and found["name"] == begin["name"]:
            inside = body.text[at : found.start()]
            yield body.keep(inside if begin["name"] == "raw" else _listing(begin["rest"], inside))
            at, begin = found.end(), None
    yield (begin[0] if begin else "") + body.text[at:]


def _listing(arguments: str, inside: str) -> str:
    language, *_ = re.findall(r"[\w+#-]+", arguments) or [""]
    return f"\n```{language}\n{inside.strip()}\n```\n"


def _outside_spans(body: _Body) -> Iterator[str]:
    """Yield the text, with a stand-in for each code span: between two equal runs of backticks."""
    runs = list(_TICKS.finditer(body.text))
    following: dict[int, int] = {}
    partner: list[int | None] = [None] * len(runs)
    for index in range(len(runs) - 1, -1, -1):
        length = len(runs[index][0])
        partner[index] = following.get(length)
        following[length] = index
    at = index = 0
    while index < len(runs):
        end = partner[index]
        if end is None:
            index += 1
            continue
        yield body.text[at : runs[index].start()]
        yield body.keep(body.text[runs[index].start() : runs[end].end()])
        at, index = runs[end].end(), end + 1
    yield body.text[at:]


def _enclosed(text: str, begin: str, end: str, replace: Callable[[str], str]) -> str:
    """Return a text with all from ``begin`` to ``end`` replaced."""
    parts: list[str] = []
    at = 0
    while (start := text.find(begin, at)) >= 0:
        stop = text.find(end, start + len(begin))
        if stop < 0:
            break
        parts += [text[at:start], replace(text[start + len(begin) : stop])]
        at = stop + len(end)
    return "".join((*parts, text[at:]))


def _take_components(body: _Body, is_mdx: bool) -> None:
    body.text = _enclosed(body.text, "{/*", "*/}", lambda inside: body.take())
    if is_mdx:
        body.text = _MODULE.sub(lambda found: body.take(""), body.text)
    if "={" in body.text or _CAPITAL.search(body.text):
        ended = frozenset(_COMPONENT_END.findall(body.text))
        body.text = _COMPONENT.sub(lambda found: _component(found, ended, body), body.text)
    if is_mdx:
        body.text = re.sub(r"\{(['\"])([^'\"{}\n]*)\1\}", r"\2", body.text)
        body.text = re.sub(_BRACES, lambda found: body.take(), body.text)


def _component(found: re.Match[str], ended: frozenset[str], body: _Body) -> str:
    name, attributes = found["name"], found["attributes"]
    if name[0].islower():
        return _EXPRESSION.sub(lambda each: _as_text(each, body), found[0])
    if not (found["end"] or attributes or found[0].endswith("/>") or name in ended):
        # A type in running text: ``Vec<T>``.
        return found[0]
    return body.take("" if found["end"] else _shown(name, attributes, body))


def _as_text(found: re.Match[str], body: _Body) -> str:
    """Return an attribute with the text or the number in its expression as its value."""
    value = _VALUE.search(found[2]) if found[1].strip() in _SHOWN_ATTRIBUTES else None
    return f'{found[1]}="{value[1] or value[2]}"' if value else body.take("")


def _take_tags(body: _Body) -> None:
    """Take out shortcodes, tags and expressions, the ones with the longest signs first."""

    def tag(inside: str) -> str:
        name, *arguments = re.split(r"[\s(]", inside.strip("- \t\n"), maxsplit=1)
        return body.take(_shown(name, "".join(arguments), body))

    def output(inside: str) -> str:
        if _SITE_ROOT.fullmatch(inside):
            return body.take("")
        literal = _LINK_FILTER.fullmatch(inside)
        return body.take(literal[1]) if literal else tag(inside)

    for begin, end in (("{{<", ">}}"), ("{{%", "%}}"), ("{%", "%}"), ("<%", "%>")):
        body.text = _enclosed(body.text, begin, end, tag)
    body.text = _enclosed(body.text, "{{", "}}", output)


def _whole_target(found: re.Match[str]) -> str:
    """Return an address; empty if a part of it was taken out, since it leads elsewhere then."""
    before = found[1] or found[3] or found[5]
    address = found[2] or found[4] or found[6] or ""
    empty = "<>" if found[3] else ""
    return before + (empty if _TAKEN in address else address)


def _shown(name: str, arguments: str, body: _Body) -> str:
    """Return the picture or the link that a piece of code shows, in Markdown."""
    given: dict[str, str] = {}
    for key, *values in _ARGUMENT.findall(body.restored(arguments)):
        given.setdefault(key.lower(), next(filter(None, values), ""))
        if not key:
            given.setdefault(f"#{len(given)}", next(filter(None, values), ""))
    addresses = [given[key] for key in (*_SOURCES, *given) if given.get(key)]
    for address in filter(_PICTURE.fullmatch, addresses):
        label = given.get("alt") or given.get("caption") or given.get("title") or ""
        return f"![{_escaped(label)}](<{address}>)"
    return _film(" ".join((name, *given.values())).lower(), addresses) or _TAKEN


def _film(name: str, addresses: list[str]) -> str | None:
    """Return the link to a video or a player; None for anything else."""
    films = [address for address in addresses if _FILM.fullmatch(address)]
    if _PLAYER.search(name) or any(service in name for service, _, _ in _SERVICES):
        films += [address for address in addresses if _WEB.fullmatch(address)]
    for service, shape, before in _SERVICES:
        if service in name:
            ids = (a for a in addresses if shape.fullmatch(a) and service not in a.lower())
            films += [before + each for each in ids]
    if not films:
        return None
    label = films[0].partition("://")[2] or films[0].rpartition("/")[2]
    return f"[{_escaped(label)}](<{films[0]}>)"


def _escaped(label: str) -> str:
    """Return a label without Markdown of its own, fit for one in brackets."""
    label = _LINK.sub(r"\1", label).translate(_EMPHASIS)
    return re.sub(r"([\[\]\\_<])", r"\\\1", " ".join(label.split()))
