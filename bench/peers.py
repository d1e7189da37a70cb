"""The same articles through Hugo, Jekyll and Pelican: ``python -m bench.peers [articles]``.

Each builds RSS or Atom feeds of all topics and providers; then one article is added, and the time
is taken until it is in the feeds. For the generators that is another whole build; for us it is the
time until the running server shows it.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bench.articles import article, write_articles
from bench.folder import rewrite
from bench.load import get
from bench.servers import serving
from bench.site import open_app, web_of
from bench.tables import show, timed

Row = tuple[str, float, float]


def main(count: int) -> None:
    """Print one row a generator that is installed here, and ours."""
    rows: list[Row] = []
    with TemporaryDirectory(prefix="peers-") as name:
        work = Path(name)
        write_articles(work / "content", count)
        rows.append(_ours(work, count))
        for peer, (program, prepare, command) in _PEERS.items():
            if shutil.which(program) or (Path(sys.executable).parent / program).exists():
                rows.append(_built(peer, prepare, command, work, count))
    head = ["", "all feeds s", "one new article in its feeds s"]
    show(f"{count:,} articles", head, rows)


def _ours(work: Path, count: int) -> Row:
    content, instance = work / "content", work / "instance"

    def all_feeds() -> None:
        web = web_of(open_app(content, instance))
        web.sync.refresh()
        client = _client(content, instance)
        for listing in web.catalog.feed_infos():
            assert client.get(f"/{listing.id.path}.rss").status_code == 200

    whole = timed(all_feeds)
    with serving("ours", content, instance) as port:
        url = f"http://127.0.0.1:{port}/all.rss"
        get(url)
        time.sleep(1)
        rewrite(content, 0, "Brand new")
        return "ours", whole, timed(lambda: _await(url, b"Brand new"))


def _client(content: Path, instance: Path) -> Any:
    from bench.site import open_app

    return open_app(content, instance).test_client()


def _await(url: str, mark: bytes) -> None:
    while mark not in get(url):
        pass


def _built(
    peer: str,
    prepare: Callable[[Path, int], None],
    command: list[str],
    work: Path,
    count: int,
) -> Row:
    place = work / peer
    place.mkdir()
    prepare(place, count)
    whole = timed(lambda: _run(command, place))
    _post(place, peer, count)
    again = timed(lambda: _run(command, place))
    title = str(_keys(count)[0]["title"])
    feeds = [path for path in place.rglob("*.xml") if title in path.read_text()]
    # A build that left the article out would be quick.
    assert len(feeds) > 1, f"{peer} has the article in no feed of a topic"
    return peer, whole, again


def _run(command: list[str], place: Path) -> None:
    local = Path(sys.executable).parent / command[0]
    program = str(local) if local.exists() else command[0]
    subprocess.run([program, *command[1:]], cwd=place, check=True, capture_output=True)


def _keys(number: int) -> tuple[dict[str, Any], str]:
    """Return the keys that all generators have, and the body."""
    head, _, body = article(number)[4:].partition("\n---\n")
    known = yaml.load(head, Loader=yaml.CBaseLoader)
    return {
        "title": known["title"],
        "date": known["publishedDateTime"],
        "tags": known["topics"],
        "categories": [known["provider"]["domain"].replace(".", "-")],
        "description": known["excerpt"],
    }, body


def _post(place: Path, peer: str, number: int) -> None:
    keys, body = _keys(number)
    if peer == "Pelican":
        lines = keys | {"tags": ", ".join(keys["tags"]), "category": keys["categories"][0]}
        del lines["categories"]
        head = "".join(f"{key.title()}: {value}\n" for key, value in lines.items())
        (place / f"content/article-{number}.md").write_text(f"{head}Slug: a{number}\n\n{body}")
        return
    folder = {"Hugo": "content/post", "Jekyll": "_posts"}[peer]
    if peer == "Jekyll":
        # jekyll-feed makes feeds of no other tags than these.
        keys["tags"] = [re.sub(r"\W", "_", tag).lower() for tag in keys["tags"]]
    name = f"{str(keys['date'])[:10]}-article-{number}.md"
    (place / folder / name).write_text(f"---\n{yaml.safe_dump(keys)}---\n{body}")


def _posts(place: Path, peer: str, count: int) -> None:
    for number in range(count):
        _post(place, peer, number)


def _hugo(place: Path, count: int) -> None:
    (place / "content/post").mkdir(parents=True)
    (place / "config.toml").write_text(
        'baseURL = "https://feeds.example.org/"\ntitle = "Feeds"\n'
        'disableKinds = ["404", "sitemap"]\n'
        '[outputs]\nhome = ["RSS"]\nterm = ["RSS"]\ntaxonomy = ["RSS"]\nsection = ["RSS"]\n'
        "[services.rss]\nlimit = 50\n"
        # In the lists, but without a page of its own: we make none either.
        '[[cascade]]\n[cascade._target]\nkind = "page"\n'
        '[cascade._build]\nrender = "never"\nlist = "always"\n'
    )
    _posts(place, "Hugo", count)


def _jekyll(place: Path, count: int) -> None:
    (place / "_posts").mkdir()
    (place / "_config.yml").write_text(
        "title: Feeds\nurl: https://feeds.example.org\nplugins: [jekyll-feed]\nfuture: true\n"
        "feed:\n  posts_limit: 50\n  tags: true\n  categories: ["
        + ", ".join(sorted({_keys(n)[0]["categories"][0] for n in range(count)}))
        + "]\n"
    )
    _posts(place, "Jekyll", count)


def _pelican(place: Path, count: int) -> None:
    (place / "content").mkdir()
    (place / "pelicanconf.py").write_text(
        "SITENAME = 'Feeds'\nSITEURL = 'https://feeds.example.org'\nPATH = 'content'\n"
        "TIMEZONE = 'UTC'\nFEED_DOMAIN = SITEURL\nFEED_MAX_ITEMS = 50\n"
        "TAG_FEED_ATOM = 'feeds/tag.{slug}.xml'\nCATEGORY_FEED_ATOM = 'feeds/c.{slug}.xml'\n"
        "ARTICLE_SAVE_AS = PAGE_SAVE_AS = TAG_SAVE_AS = CATEGORY_SAVE_AS = AUTHOR_SAVE_AS = ''\n"
        "DIRECT_TEMPLATES = []\nDELETE_OUTPUT_DIRECTORY = False\n"
    )
    _posts(place, "Pelican", count)


_PEERS: dict[str, tuple[str, Callable[[Path, int], None], list[str]]] = {
    "Hugo": ("hugo", _hugo, ["hugo", "--quiet"]),
    "Jekyll": ("jekyll", _jekyll, ["jekyll", "build", "--quiet"]),
    "Pelican": ("pelican", _pelican, ["pelican", "-q", "-s", "pelicanconf.py"]),
}

if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1000)
