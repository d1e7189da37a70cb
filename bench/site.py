"""Our app in this process, over a folder of invented articles."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from feeds.web.flask_response import Web

URL = "https://feeds.example.org"


def web_of(app: Flask) -> Web:
    """What the routes of the app answer from."""
    web = app.extensions["tributary"]
    assert isinstance(web, Web)
    return web


def open_app(content: Path, instance: Path, clock: Callable[[], float] = time.time) -> Flask:
    """The app."""
    from app import create_app

    given = {
        "FEEDS_CONTENT_DIR": str(content),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": URL,
    }
    return create_app(os.environ | given, clock)


def resident(pid: int) -> float:
    """Megabytes that a process has in memory, and no other has: files and libraries are shared."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return int(found["VmRSS"].split()[0]) / 1024
