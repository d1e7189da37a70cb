"""The rate and the p99 of a server under load from wrk."""

import re
import subprocess
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Makes each request of wrk differ from all before it.
MISSES = Path(__file__).with_name("misses.lua")


@dataclass(frozen=True)
class Kind:
    """A kind of request that pollers send."""

    headers: Mapping[str, str]
    #: True if no request has the User-Agent of another.
    is_new: bool = False


@dataclass(frozen=True)
class Rate:
    """The result of a measurement by wrk."""

    per_second: float
    #: Milliseconds.
    p99: float
    failures: int


def load(url: str, kind: Kind, seconds: int = 2, connections: int = 32) -> Rate:
    """Load one address for some seconds."""
    headers = [part for name, value in kind.headers.items() for part in ("-H", f"{name}: {value}")]
    headers += ["-s", str(MISSES)] if kind.is_new else []
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *headers, url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wrong = [int(found) for found in re.findall(r"Non-2xx or 3xx responses: (\d+)", out)]
    wrong += [int(n) for line in re.findall(r"Socket errors: (.*)", out) for n in _numbers(line)]
    return Rate(
        float(_found(r"Requests/sec:\s+([\d.]+)", out)[0]),
        _milliseconds(*_found(r"99%\s+([\d.]+)(us|ms|s)", out)),
        sum(wrong),
    )


def kinds(url: str) -> dict[str, Kind]:
    """Return the kinds of request, with the validators of this server."""
    requested = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(requested) as answer:
        tag = answer.headers["ETag"]
    gzip = {"Accept-Encoding": "gzip"}
    return {
        "200": Kind({}),
        "200 gzip": Kind(gzip),
        "304": Kind(gzip | {"If-None-Match": tag}),
        "200, new head": Kind({}, is_new=True),
        "304, new head": Kind(gzip | {"If-None-Match": tag}, is_new=True),
    }


def get(url: str, **headers: str) -> bytes:
    """Return the body of one response."""
    requested = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(requested, timeout=60) as answer:
        body: bytes = answer.read()
        return body


def _found(pattern: str, out: str) -> tuple[str, ...]:
    found = re.search(pattern, out)
    if found is None:
        raise ValueError(f"wrk printed no {pattern}: {out}")
    return found.groups()


def _numbers(line: str) -> list[str]:
    return re.findall(r"\d+", line)


def _milliseconds(number: str, unit: str) -> float:
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
