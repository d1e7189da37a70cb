"""Requests a second: nginx with files, ours under each server installed, the naive app."""

import gzip
import os
from contextlib import ExitStack
from pathlib import Path

from bench.articles import TOPICS
from bench.load import Rate, get, kinds, load
from bench.servers import front, installed, nginx, serving
from bench.tables import median, ratio, show

#: Measurements of each server, in turn.
ROUNDS = 3

#: In a folder of a thousand articles a feed of 40 kB.
PATH = f"topics/{TOPICS[39].lower().replace(' ', '-')}.rss"

#: With this setting nginx notices a replaced file after a minute. Without it, it checks the file at
#: each request, as a feed server has to: that is what others are compared to.
KEPT_OPEN = "nginx, open_file_cache"

#: nginx in front of a node, with the configuration of deploy/, as operators run it.
IN_FRONT = "nginx in front of ours, with its cache"

Rates = dict[tuple[str, str], list[Rate]]


def run(content: Path, work: Path) -> None:
    """Measure all of them with one worker, then the best of ours with two."""
    names = [*installed(), "naive"]
    _table("one worker", _measured(names, content, work, 1))
    _table("two workers", _measured(["ours"], content, work, 2))


def _measured(names: list[str], content: Path, work: Path, workers: int) -> Rates:
    rates: Rates = {}
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(serving(name, content, work / f"http-{name}", workers))
            for name in names
        }
        _copy(ports["ours"], work / "static")
        files = {
            "nginx": stack.enter_context(nginx(work / "static", workers)),
            KEPT_OPEN: stack.enter_context(nginx(work / "static", workers, "max=1000")),
        }
        ports[IN_FRONT] = stack.enter_context(front(ports["ours"], workers))
        for _ in range(ROUNDS):
            for name, port in (files | ports).items():
                url = f"http://127.0.0.1:{port}/{PATH}"
                for name_of_kind, kind in kinds(url).items():
                    rates.setdefault((name, name_of_kind), []).append(load(url, kind, 1))
    return rates


def _copy(port: int, static: Path) -> None:
    """Give nginx the same document as files, compressed beforehand."""
    target = static / PATH
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(get(f"http://127.0.0.1:{port}/{PATH}"))
    packed = target.with_name(f"{target.name}.gz")
    packed.write_bytes(gzip.compress(target.read_bytes(), 6))
    for file in (target, packed):
        os.utime(file, (1e9, 1e9))


def _table(title: str, rates: Rates) -> None:
    rows = [
        (
            name,
            kind,
            median(rate.per_second for rate in found),
            _ratio(rates, name, kind, "per_second"),
            median(rate.p99 for rate in found),
            _ratio(rates, name, kind, "p99"),
            sum(rate.failures for rate in found),
        )
        for (name, kind), found in rates.items()
    ]
    head = ["server", "answer", "a second", "of nginx", "p99 ms", "of nginx", "failed"]
    show(f"32 connections, {title}", head, rows)


def _ratio(rates: Rates, name: str, kind: str, figure: str) -> float:
    ours = [float(getattr(rate, figure)) for rate in rates[name, kind]]
    return ratio(ours, [float(getattr(rate, figure)) for rate in rates["nginx", kind]])
