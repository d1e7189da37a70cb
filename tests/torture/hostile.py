"""A hostile folder: files of every kind that was seen to break a parser, with their outcomes.

`spoil` fills a folder with good and bad articles and returns the expected outcome of each; they
are the same every time.
"""

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from feeds.errors import Reason

#: A word in every file, good or bad, that must not appear outside the folder.
SECRET = "TOPSECRET-7261"

#: Elements that run code, or display other content.
LIVE = frozenset(("script", "iframe", "svg", "math", "form", "input", "object", "embed", "style"))


@dataclass(frozen=True)
class Expected:
    """The expected outcome of one file."""

    path: str
    #: None if it is served.
    reason: Reason | None


def good(number: int, extra: str = "", body: str = "A body.") -> str:
    """Return a valid article; ``extra`` are further lines of its front matter."""
    return (
        f"---\ntitle: Article {number}\nwebUrl: https://news.example.com/{number}\n"
        f"publishedDateTime: 2026-{number % 10 + 1:02}-{number % 28 + 1:02}T10:00:00Z\n"
        f"secured: {SECRET}\n{extra}---\n{body}\n"
    )


def without(number: int, key: str, line: str = "") -> str:
    """Return a valid article with another line in place of that of a key."""
    lines = [
        line if each.startswith(f"{key}:") else each for each in good(number).splitlines() if each
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _bomb(levels: int) -> str:
    names = [f"k{level}" for level in range(levels)]
    first = "k0: &a0 [x, x, x]\n"
    rest = (
        f"{name}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n, name in enumerate(names) if n
    )
    return first + "".join(rest)


#: Lines of a front matter for which the file must be rejected.
_LINES: dict[Reason, list[Callable[[int], str]]] = {
    Reason.YAML_DEPTH: [
        lambda n: f"deep: {'[' * (24_800 + n)}\n",
        lambda n: f"deep: {'[' * (20 + n)}{']' * (20 + n)}\n",
        lambda n: f"deep: {'{a: ' * (20 + n)}{'}' * (20 + n)}\n",
        lambda n: "deep:\n" + "".join(f"{' ' * level}- \n" for level in range(1, 25 + n)),
        lambda n: "".join(f"{' ' * level}k{level}:\n" for level in range(25 + n)),
    ],
    Reason.YAML_ALIAS: [
        lambda n: f"a{n}: &a [x]\nb: *a\n",
        lambda n: _bomb(8 + n % 3),
        lambda n: f"base{n}: {{x: 1}}\n<<: {{y: 2}}\n",
        lambda n: f"a: &a{n} [*a{n}]\n",
        lambda n: f"topics: &t{n}\n- AI\n",
    ],
    Reason.YAML_TAG: [
        lambda n: f"run{n}: !!python/object/apply:os.system ['touch /tmp/torture-{n}']\n",
        lambda n: f"run{n}: !!python/name:os.system\n",
        lambda n: f"quality: !!int '{n}'\n",
        lambda n: f"x{n}: !custom {{a: 1}}\n",
        lambda n: f"x{n}: !!binary aGVsbG8=\n",
    ],
    Reason.YAML_DUPLICATE_KEY: [
        lambda n: f"x{n}: 1\nx{n}: 2\n",
        lambda n: f"title: Again {n}\n",
        lambda n: f'secured: "{n}"\n',
        lambda n: f"images: [{{url: https://a.example/{n}, url: https://b.example/}}]\n",
    ],
    Reason.YAML_KEY: [
        lambda n: f"? [{n}, b]\n: c\n",
        lambda n: f"? {{a: {n}}}\n: c\n",
        lambda n: f"Topics: [A{n}]\n",
        lambda n: f"IMAGES: [{n}]\n",
    ],
    Reason.YAML_SYNTAX: [
        lambda n: f"topics: [a, b{n}\n",
        lambda n: f"x{n}: 'never closed\n",
        lambda n: f"x{n}: a: b: c\n",
        lambda n: f"\tx{n}: tab\n",
        lambda n: f"x{n}: @reserved\n",
        lambda n: f"%TAG{n}\nx: y\n",
        lambda n: f'x{n}: "\\q"\n',
        lambda n: f"x{n}: \x07\n",
        lambda n: f"x{n}: \x00\n",
    ],
    Reason.YAML_MULTI: [lambda n: f"...\n--- {{a: {n}}}\n"],
    Reason.TOO_COMPLEX: [
        lambda n: f"list: [{'a, ' * (10_100 + n)}]\n",
        lambda n: "".join(f"k{i}: v\n" for i in range(5_100 + n)),
    ],
    Reason.TOO_LARGE: [lambda n: f"x: {'y' * (256 * 1024 + n)}\n"],
    Reason.BAD_TYPE: [
        lambda n: f"excerpt: [{n}]\n",
        lambda n: f"topics: {{a: {n}}}\n",
        lambda n: f"images: {n}\n",
        lambda n: f"images: [[{n}]]\n",
        lambda n: f"provider: [{n}]\n",
        lambda n: f"provider: {{name: [{n}]}}\n",
        lambda n: f"quality: {n}e3\n",
        lambda n: f"quality: {'9' * (10 + n)}\n",
        lambda n: f"related: {n}\n",
        lambda n: f"deleted: perhaps {n}\n",
        lambda n: f"removed: {{a: {n}}}\n",
        lambda n: f"id: {'x' * (501 + n)}\n",
        lambda n: f"locale: [{n}]\n",
    ],
    Reason.BAD_PUBLISHED: [
        lambda n: f"published: no, {n}\n",
        lambda n: f"published: [false, {n}]\n",
        lambda n: f"published: {n}\n",
        lambda n: f"published: {{false: {n}}}\n",
        lambda n: f"published: [{{a: {n}}}]\n",
        lambda n: "published:\n",
        lambda n: "published: FaLse\n",
        lambda n: "Published: true\n",
        lambda n: "PUBLISHED: false\n",
        lambda n: "dra\u200bft: perhaps\n",
        lambda n: f"visibility: {n}\n",
    ],
    Reason.DRAFT: [
        lambda n: "published: no\n",
        lambda n: "published: false\n",
        lambda n: 'published: "False"\n',
        lambda n: "DRAFT: yes\n",
        lambda n: "Status: draft\n",
        lambda n: f"password: {n}\n",
        lambda n: "build: {render: never}\n",
    ],
    Reason.WITHDRAWN: [
        lambda n: "deleted: true\n",
        lambda n: "removed: TRUE\n",
        lambda n: f"expiry_date: 2020-01-{n % 28 + 1:02}\n",
    ],
    Reason.BAD_DATE: [
        lambda n: f"updatedDateTime: in {n} days\n",
        lambda n: f"updatedDateTime: 2026-13-{n % 28 + 1:02}\n",
        lambda n: f"updatedDateTime: 2026-02-{30 + n % 2}\n",
        lambda n: f"updatedDateTime: 0000-00-0{n % 10}\n",
        lambda n: f"updatedDateTime: 20260101T10000{n % 10}Z\n",
        lambda n: f"updatedDateTime: ２０２６-01-0{n % 9 + 1}\n",
    ],
}

#: Lines in place of one that an article requires.
_CHANGED: dict[Reason, list[tuple[str, Callable[[int], str]]]] = {
    Reason.MISSING_FIELD: [
        ("title", lambda n: ""),
        ("webUrl", lambda n: ""),
        ("webUrl", lambda n: "webUrl:"),
        ("publishedDateTime", lambda n: ""),
    ],
    Reason.EMPTY_TITLE: [
        ("title", lambda n: "title:"),
        ("title", lambda n: "title: '<b></b>'"),
        ("title", lambda n: 'title: "\\0\\b\\u200b"'),
        ("title", lambda n: "title: '&nbsp;'"),
    ],
    Reason.BAD_URL: [
        ("webUrl", lambda n: f"webUrl: javascript:alert({n})"),
        ("webUrl", lambda n: f"webUrl: data:text/html,{n}"),
        ("webUrl", lambda n: f"webUrl: ftp://a.example/{n}"),
        ("webUrl", lambda n: f"webUrl: https://[::{n}"),
        ("webUrl", lambda n: f"webUrl: https://a.example:{70_000 + n}/"),
        ("webUrl", lambda n: f"webUrl: https://user:{n}@a.example/"),
        ("webUrl", lambda n: f"webUrl: //relative/{n}/../x y"),
        ("webUrl", lambda n: f"webUrl: https://{'a' * (300 + n)}/"),
        ("webUrl", lambda n: f"webUrl: https://a.example/{'x' * (2_000 + n)}"),
        ("webUrl", lambda n: f"webUrl: http://\u2100{n}.example/%zz"),
        ("webUrl", lambda n: "webUrl: https://"),
    ],
    Reason.BAD_DATE: [
        ("publishedDateTime", lambda n: f"publishedDateTime: 2026-06-{31 + n}"),
        ("publishedDateTime", lambda n: "publishedDateTime:"),
        ("publishedDateTime", lambda n: f"publishedDateTime: 196{n % 10}-01-01"),
        ("publishedDateTime", lambda n: f"publishedDateTime: {10_000 + n}-01-01"),
        ("publishedDateTime", lambda n: f"publishedDateTime: 2026-01-01T10:00:00+9{n % 10}:00"),
    ],
    Reason.EMBARGOED: [
        ("publishedDateTime", lambda n: f"publishedDateTime: 9999-12-{n % 31 + 1:02}"),
    ],
}

#: Whole files.
_WHOLE: dict[Reason, list[Callable[[int], bytes]]] = {
    Reason.NO_FRONT_MATTER: [
        lambda n: b"",
        lambda n: b"\n" * n,
        lambda n: b"just text %d" % n,
        lambda n: b"---\ntitle: %d\n" % n,
        lambda n: b" ---\ntitle: %d\n---\n" % n,
        lambda n: b"---title: %d\n---\n" % n,
        lambda n: b"---\ntitle: %d --- \nrest\n" % n,
        lambda n: good(n).encode()[: 40 + n % 40],
    ],
    Reason.NOT_A_MAPPING: [
        lambda n: b"---\n- %d\n---\n" % n,
        lambda n: b"---\n%d\n---\n" % n,
        lambda n: b"---\n\n---\n%d" % n,
        lambda n: b"---\n'text %d'\n---\n" % n,
    ],
    Reason.BAD_ENCODING: [
        lambda n: good(n).encode("utf-16"),
        lambda n: good(n).replace("title", "t\xeftle").encode("latin-1"),
        lambda n: b"---\ntitle: \xed\xa0\x80 %d\n---\n" % n,
        lambda n: b"---\ntitle: \xc0\xaf %d\n---\n" % n,
        lambda n: bytes(range(128, 256)) * (n + 1),
        lambda n: b"\x89PNG\r\n\x1a\n" + bytes(range(64)) + b"\xff",
    ],
    Reason.TOO_LARGE: [lambda n: good(n).encode() + b"x" * ((1 << 20) + n)],
}

#: Served without their bodies, which take too long to clean.
_TOO_MUCH: list[Callable[[int], bytes]] = [
    lambda n: good(n, f"featuredContent: {'<p>' * 2000}{'<b>' * (8_100 + n)}\n").encode(),
    lambda n: good(n, body="<" * (80_000 + n)).encode(),
    lambda n: good(n, body="![[" * (4_000 + n)).encode(),
    lambda n: good(n, body="[" * (50_000 + n)).encode(),
    lambda n: good(n, body="<div>" * (200 + n)).encode(),
    lambda n: good(n, body="<b><i>" * (5_000 + n)).encode(),
    lambda n: good(n, body="- x\n" * (6_000 + n)).encode(),
    lambda n: good(n, body="> " * (20_000 + n)).encode(),
    lambda n: good(n, body="*_" * (15_000 + n)).encode(),
    lambda n: good(n, body="|" * 300 + "\n" + "|-" * 300 + "\n" + "|\n" * (900 + n)).encode(),
    lambda n: good(n, body="x" * (100_001 + n)).encode(),
]

#: Front matters and bodies that are served, but sanitized.
_TAMED: list[Callable[[int], tuple[str, str]]] = [
    lambda n: ("", f"<script>alert({n})</script><p onclick=x()>a</p>"),
    lambda n: ("", f"<svg/onload=alert({n})>"),
    lambda n: ("", f"<math><mtext><table><mglyph><style><img src=x onerror=alert({n})>"),
    lambda n: ("", f"[x](javascript:alert({n})) <a href='java\tscript:x'>y</a>"),
    lambda n: ("", f"<iframe src='javascript:alert({n})'></iframe><form action=x><input></form>"),
    lambda n: ("", f"<img src=x onerror=alert({n})><object data=x></object><style>*{{}}</style>"),
    lambda n: ("", f"&#8; &#x0; &#xFFFE; &#xD800; &#{'9' * 5000}; \x08\x0b {n}"),
    lambda n: ("", f"]]> <![CDATA[ <!ENTITY x '{n}'> <?xml?> <rss> <channel> <!-- "),
    lambda n: (f'excerpt: "\\0\\x08\\uFFFE {n}"\n', ""),
    lambda n: (f"excerpt: a --- b {n}\n", ""),
    lambda n: (
        f"topics: [C, C++, 'C#', 日本語, العربية, 😀, '..', '%2e%2e', '%00', 'a\\b', {n}]\n",
        "",
    ),
    lambda n: ("topics: [no, 2020-06-30, 1e3, 0o17, ~, '']\n", f"{n}"),
    lambda n: (f"updatedDateTime: '2026-01-{n % 28 + 1:02} 10:00'\n", ""),
    lambda n: (f"images: [{{url: 'javascript:x'}}, {{url: '//a.example/{n}.jpg'}}]\n", ""),
    lambda n: (f"related: [{{webUrl: 'https://[', title: x}}, {{webUrl: 'data:,{n}'}}]\n", ""),
    lambda n: (f"provider: {{domain: '../../etc/{n}', name: '<script>x</script>{n}'}}\n", ""),
    lambda n: (f"unknown{n}: {SECRET}\nheat: [1, 2]\n", ""),
]


def spoil(folder: Path, copies: int) -> list[Expected]:
    """Write a number of files of each kind; return the expected outcome of each."""
    found = [*_texts(folder, copies), *_things(folder), *_names(folder, copies)]
    for number in range(200):
        found.append(_write(folder, f"good/{number:04}.md", good(number).encode(), None))
    return found


def _texts(folder: Path, copies: int) -> Iterator[Expected]:
    for path, text, reason in _each(copies):
        yield _write(folder, path, text, reason)


def _each(copies: int) -> Iterator[tuple[str, bytes, Reason | None]]:
    for n in range(copies):
        for reason, name, text in (*_with_lines(n), *_changed(n), *_whole(n)):
            yield f"{reason}/{name}-{n}.md", text, reason
        for kind, make in enumerate(_TOO_MUCH):
            yield f"too-much/{kind}-{n}.md", make(n), None
        for kind, tame in enumerate(_TAMED):
            front, body = tame(n)
            yield f"tamed/{kind}-{n}.md", good(n, front, body).encode("utf-8", "replace"), None


def _with_lines(n: int) -> Iterator[tuple[Reason, str, bytes]]:
    for reason, lines in _LINES.items():
        for kind, line in enumerate(lines):
            yield reason, f"line-{kind}", good(n, line(n)).encode()


def _changed(n: int) -> Iterator[tuple[Reason, str, bytes]]:
    for reason, changes in _CHANGED.items():
        for kind, (key, change) in enumerate(changes):
            yield reason, f"changed-{kind}", without(n, key, change(n)).encode()


def _whole(n: int) -> Iterator[tuple[Reason, str, bytes]]:
    for reason, files in _WHOLE.items():
        for kind, make in enumerate(files):
            yield reason, f"whole-{kind}", make(n)


def _write(folder: Path, path: str, text: bytes, reason: Reason | None) -> Expected:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text)
    return Expected(path, reason)


def _things(folder: Path) -> Iterator[Expected]:
    """Write entries that are no regular files."""
    things = folder / "things"
    things.mkdir()
    os.mkfifo(things / "fifo.md")
    yield Expected("things/fifo.md", Reason.NOT_A_FILE)
    with socket.socket(socket.AF_UNIX) as unix:
        # The path of a socket has 107 bytes at most.
        back = os.open(".", os.O_RDONLY)
        os.chdir(things)
        unix.bind("socket.md")
        os.chdir(back)
        os.close(back)
    yield Expected("things/socket.md", Reason.NOT_A_FILE)
    for name, target in (("passwd", "/etc/passwd"), ("loop", "loop.md"), ("none", "nowhere")):
        os.symlink(target, things / f"{name}.md")
        yield Expected(f"things/{name}.md", Reason.OUTSIDE)
    for name, target in (("up", ".."), ("root", "/")):
        os.symlink(target, things / name)
        yield Expected(f"things/{name}", Reason.OUTSIDE)
    (things / "folder.md").mkdir()
    yield _write(folder, "things/folder.md/inside.md", good(1).encode(), None)
    with open(things / "huge.md", "wb") as huge:
        huge.truncate(2 << 30)
    yield Expected("things/huge.md", Reason.TOO_LARGE)
    yield _write(folder, "things/" + "d/" * 300 + "deep.md", good(1).encode(), Reason.BAD_TYPE)
    _nest(things, 900)
    yield Expected("things/" + "n/" * 498, Reason.UNREADABLE)


def _nest(folder: Path, depth: int) -> None:
    """Write nested folders, deeper than any article may be."""
    back = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    for _ in range(depth):
        os.mkdir("n")
        os.chdir("n")
    os.chdir(back)
    os.close(back)


def _names(folder: Path, copies: int) -> Iterator[Expected]:
    """Write files with names that no database, URL or terminal can hold."""
    base = os.fsencode(folder / "names")
    os.mkdir(base)
    os.mkdir(os.path.join(base, b"fold\xfeer"))
    names = [b"fold\xfeer/a.md"]
    for n in range(copies):
        names += [
            name % n
            for name in (
                b"\xff%d.md", b"a\nb%d.md", b"\x1b[2J%d.md", b"\xed\xa0\x80%d.md", b"caf\xe9-%d.md",
            )
        ]  # fmt: skip
    for name in names:
        with open(os.path.join(base, name), "wb") as file:
            file.write(good(1).encode())
        yield Expected("names/" + os.fsdecode(name), Reason.BAD_NAME)
    for odd in ("'; DROP TABLE file; --", "%2e%2e%2f", "a b?c#d&e", "日本語", "😀", "~"):
        yield _write(folder, f"names/{odd}.md", good(1).encode(), None)
